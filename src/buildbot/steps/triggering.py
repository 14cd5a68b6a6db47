"""What a ``Trigger`` step is to trigger, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

import msgspec

from buildbot._border.bridge import inward
from buildbot.data.resultspec import Filter
from buildbot.process.properties import Properties
from buildbot.process.results import SUCCESS, statusToString, worst_status

MOST_LINKS = 20
"""More builds than these get no link each."""

_WANTED = (
    'a list of dictionaries with "sched_name", and optionally "props_to_set" and "unimportant"'
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduler to trigger."""

    name: str
    properties: Any
    is_unimportant: bool

    @classmethod
    def of(cls, entry: Any, unimportant: Collection[str], function: str) -> Wanted:
        """Return what an entry of the list says. Raises TypeError."""
        if isinstance(entry, tuple | list) and len(entry) in (2, 3):
            entry = dict(zip(("sched_name", "props_to_set", "unimportant"), entry, strict=False))
        name = entry.get("sched_name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise TypeError(f"{function} returned a list with {entry!r}; it must return {_WANTED}")
        properties = entry.get("props_to_set")
        if not isinstance(properties, dict | Properties | None):
            raise TypeError(
                f'{function} returned "props_to_set": {properties!r} for "{name}"; '
                "it must be a dictionary"
            )
        return cls(
            name=name,
            properties={} if properties is None else properties,
            is_unimportant=bool(entry.get("unimportant", name in unimportant)),
        )


def all_wanted(answer: Any, unimportant: Collection[str], function: str) -> list[Wanted]:
    """Return what *function* answered, checked. Raises TypeError, which says what is wrong."""
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise TypeError(f"{function} returned {answer!r}; it must return {_WANTED}")
    return [Wanted.of(entry, unimportant, function) for entry in answer]


def names_given(given: Any) -> list[Any]:
    """Return the entries of ``schedulerNames``, rendered. Raises TypeError."""
    if isinstance(given, str | Mapping):
        return [given]
    if not isinstance(given, list | tuple):
        raise TypeError(
            f"schedulerNames is {given!r} in this build; it must be a list of scheduler names"
        )
    return list(given)


def name_in(entry: Any) -> Any:
    """Return the scheduler that an entry of ``schedulerNames`` names."""
    return entry.get("sched_name") if isinstance(entry, Mapping) else entry


class Triggered(msgspec.Struct, kw_only=True):
    """The outcome of one scheduler's buildset."""

    name: str
    is_unimportant: bool
    complete: Any
    requests: dict[int, int] = msgspec.field(default_factory=dict)
    result: int | None = None
    results: list[int] = msgspec.field(default_factory=list)
    """Of its single requests."""

    @property
    def words(self) -> str:
        """Its name, and how its builds ended: ``nightly (1 failure, 2 success)``."""
        if self.result is None or not self.requests:
            return self.name
        counts = Counter(self.results)
        worst_first = sorted(counts, key=cmp_to_key(_by_severity))
        if len(self.results) > 1:
            told = [f"{counts[result]} {statusToString(result)}" for result in worst_first]
        else:
            told = [statusToString(self.result)]
        if self.is_unimportant:
            told.append("unimportant")
        return f"{self.name} ({', '.join(told)})"

    async def read_results(self, master: Any) -> None:
        """Look up how each of its requests ended."""
        if len(self.requests) == 1 and self.result is not None:
            self.results = [self.result]
            return
        wanted = Filter("buildrequestid", "eq", list(self.requests.values()))
        if self.requests:
            rows = await inward(master.data.get, ("buildrequests",), filters=[wanted])
            self.results = [row["results"] for row in rows if row["results"] is not None]


def overall(triggered: Sequence[Triggered]) -> int:
    """Return the worst result that counts."""
    result = SUCCESS
    for one in triggered:
        if not one.is_unimportant and one.result is not None:
            result = worst_status(result, one.result)
    return result


def _by_severity(one: int, other: int) -> int:
    """Compare results: the worse one comes first."""
    return 0 if one == other else -1 if worst_status(one, other) == one else 1


class Deadlock(msgspec.Struct, frozen=True, kw_only=True):
    """Why a build that was triggered can never start; empty when it can."""

    words: str = ""
    """For all who see the build; they may not see the others that are involved."""
    sentence: str = ""


def deadlock_in(rows: Sequence[Mapping[str, Any]], build_id: int) -> Deadlock:
    """Return the deadlock that the reasons for which a build waits tell of."""
    for row in rows:
        because = row["details"]
        while because.get("kind", row["kind"]) == "triggered_waits":
            because = because["because"]
        if because.get("kind", row["kind"]) != "held_by_parents":
            continue
        own = [one["build_id"] for one in because["holders"]] == [build_id]
        who = "this build" if own else "a build that waits like this one"
        if because["because"]["kind"] == "lock_held":
            what = f"needs lock {because['because']['lock']}, which {who} holds"
        else:
            what = f"needs a worker that {who} occupies"
        return Deadlock(words=f"deadlock: it {what}", sentence=row["sentence"])
    return Deadlock()


class BuildLinks:
    """Links to the builds of what was triggered: as soon as they begin, and with their results."""

    def __init__(self, step: Any) -> None:
        self._step = step
        self._names: dict[int, str] = {}
        """The link of each build."""
        self._ended: set[int] = set()
        """Builds that were shown with their results."""
        self._requests: dict[int, str] = {}
        """Names of schedulers, by request."""
        self._consumer: Any = None

    async def listen(self) -> None:
        """Show builds as they begin and end, from now on."""
        self._consumer = await inward(
            self._step.master.mq.startConsuming, self._build_changed, ("builds", None, None)
        )

    async def end(self) -> None:
        """Show no more."""
        if self._consumer is not None:
            await inward(self._consumer.stopConsuming)

    def add_requests(self, name: str, request_ids: Iterable[int]) -> None:
        """Link to requests of a scheduler."""
        base = self._step.master.config.buildbotURL
        for request_id in list(request_ids)[: MOST_LINKS - len(self._requests)]:
            self._requests[request_id] = name
            self._add(f"{name} #{request_id}", f"{base}#/buildrequests/{request_id}")

    async def add_builds(self) -> None:
        """Link to the builds that have begun, with the results of those that have ended."""
        if not self._requests:
            return
        wanted = Filter("buildrequestid", "eq", list(self._requests))
        rows = await inward(self._step.master.data.get, ("builds",), filters=[wanted])
        for row in sorted(rows, key=lambda row: row["buildid"]):
            self._show(row)

    def _build_changed(self, _key: Any, row: Any) -> None:
        if row["buildrequestid"] in self._requests:
            self._show(row)

    def _show(self, row: Any) -> None:
        """Link to a build, in the place of its earlier link.

        A row that was read while the build ended may come after the news of its end: it is older.
        """
        if row["results"] is not None:
            self._ended.add(row["buildid"])
        elif row["buildid"] in self._ended:
            return
        builder = self._step.master.botmaster.getBuilderById(row["builderid"])
        name = f"{row['builderid'] if builder is None else builder.name} #{row['number']}"
        if row["results"] is not None:
            name = f"{statusToString(row['results'])}: {name}"
        shown = self._names.get(row["buildid"])
        if name != shown:
            base = self._step.master.config.buildbotURL
            url = f"{base}#/builders/{row['builderid']}/builds/{row['number']}"
            self._names[row["buildid"]] = name
            self._add(name, url, replaces=shown)

    def _add(self, name: str, url: str, replaces: str | None = None) -> None:
        self._step._engine_runtime.add_url(name, url, replaces)
