"""Lists on pages: running and recent builds, waiting requests with reasons, force buttons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import structs

from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.domain.identifiers import BuilderId, BuildId, ChangeId, RequestId
from chargehand.domain.result import Result
from chargehand.domain.waiting import Waiting
from chargehand.kit.passwords import without_passwords, without_passwords_in
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.web.access.stages import StageReader
from chargehand.web.pages.sources import with_sources
from chargehand.web.ports import Resources

_RECENT = 50
_RUNNING = 100
_WAITING = 50
_CHOICES = 200


class Overview:
    """Collects the lists for all builders or one, limited to what the visitor may see."""

    def __init__(self, *, visitor: Visitor, resources: Resources, stages: StageReader) -> None:
        self._visitor = visitor
        self._resources = resources
        self._stages = stages

    async def lists(self, builder: Resource | None) -> Resource:
        """Return the template's values for a page of lists."""
        scope = {"builderid": builder["builderid"]} if builder else {}
        waiting, waiting_in_all = await self._waiting(scope)
        return {
            "builder": builder,
            **await self.builds(scope),
            "waiting": waiting,
            "more_waiting": waiting_in_all - len(waiting),
            "waiting_changes": [] if builder else self.waiting_changes(),
            **await self._what_may_be_forced(builder),
        }

    async def builds(self, scope: Resource) -> Resource:
        """Return running and recent builds."""
        return {
            "running": await self._builds(scope, complete=False, limit=_RUNNING),
            "recent": await self._builds(scope, complete=True, limit=_RECENT),
        }

    async def titled(self, rows: list[Resource]) -> list[Resource]:
        """Add each build's builder name, word for the state, duration, source, and what it waits
        for."""
        names = await self.builder_names(rows)
        named = [row | {"builder": names.get(row["builderid"], "?")} for row in rows]
        explained = await self._explained(await self.marked("build", named))
        return await with_sources(explained, self.rows)

    async def rows(self, kind: str, **question: Any) -> list[Resource]:
        """Return resources."""
        query = Query(kind=kind, sees=self._visitor.sees, **question)
        return (await self._resources.fetch(query)).rows

    async def outcomes_of(self, change_id: ChangeId) -> list[ChangeOutcome]:
        """Return what each scheduler did with a change."""
        found = await self._stages.outcomes_of(self._visitor.sees, change_id)
        return [structs.replace(fate, sentence=without_passwords(fate.sentence)) for fate in found]

    def waiting_changes(self) -> list[WaitingChanges]:
        """Return what waits for tree-stable timers."""
        return self._stages.waiting_changes(self._visitor.sees)

    def refused_logins(self) -> list[Resource]:
        """Return the logins of workers that were refused last."""
        return [structs.asdict(one) for one in self._stages.refused_logins(self._visitor.sees)]

    async def _explained(self, builds: list[Resource]) -> list[Resource]:
        """Add ``why`` to each build: what it waits for, if it does."""
        ids = [BuildId(row["buildid"]) for row in builds if not row["complete"]]
        reasons = await self._stages.why_builds_wait(self._visitor.sees, ids)
        found = {one: without_passwords(reason.sentence) for one, reason in reasons.items()}
        return [row | {"why": found.get(BuildId(row["buildid"]), "")} for row in builds]

    async def builder_names(self, rows: list[Resource]) -> dict[int, str]:
        """Return the names of the rows' builders by identifier."""
        ids = tuple({row["builderid"] for row in rows})
        if not ids:
            return {}
        builders = await self.rows(
            "builders",
            filters=(Filter("builderid", Operator.IN, ids),),
            fields=("builderid", "name"),
        )
        return {row["builderid"]: row["name"] for row in builders}

    async def marked(self, kind: str, rows: list[Resource]) -> list[Resource]:
        """Add ``word`` (the result, or "running") and ``took`` (the duration) to each row."""
        id_field = f"{kind}id"
        done = tuple(row[id_field] for row in rows if row["complete_at"] is not None)
        exact = (
            await self.rows(f"{kind}_times", filters=(Filter(id_field, Operator.IN, done),))
            if done
            else []
        )
        took = {row[id_field]: row["seconds"] for row in exact}
        return [
            row | {"word": self.word(row), "took": took.get(row[id_field], _whole_seconds(row))}
            for row in rows
        ]

    @staticmethod
    def word(row: Resource) -> str:
        """Return the word for the result of a build or step, or for running or waiting."""
        if row["results"] is not None:
            known = next((one for one in Result if one == row["results"]), None)
            return "damaged" if known is None else known.word
        return "running" if row["started_at"] is not None else "waiting"

    async def _builds(self, scope: Resource, *, complete: bool, limit: int) -> list[Resource]:
        rows = await self.rows(
            "builds",
            scope=scope,
            filters=(Filter("complete", Operator.EQ, (complete,)),),
            order=(Order("buildid", descending=True),),
            limit=limit,
            properties=("got_revision",),
        )
        return await self.titled(rows)

    async def _waiting(self, scope: Resource) -> tuple[list[Resource], int]:
        found = await self._resources.fetch(
            Query(
                kind="buildrequests",
                sees=self._visitor.sees,
                scope=scope,
                filters=(
                    Filter("complete", Operator.EQ, (False,)),
                    Filter("claimed", Operator.EQ, (False,)),
                ),
                order=(Order("priority", descending=True), Order("submitted_at")),
                limit=_WAITING,
            )
        )
        reasons = await self._stages.why_these_wait(
            self._visitor.sees,
            {RequestId(row["buildrequestid"]): BuilderId(row["builderid"]) for row in found.rows},
        )
        names = await self.builder_names(found.rows)
        waiting = [
            row | {"why": _sentence(reasons, row), "builder": names.get(row["builderid"], "?")}
            for row in found.rows
        ]
        return waiting, found.total

    async def forms(self, builder: Resource | None, *, asked: bool = False) -> list[Resource]:
        """Return the forms that the visitor may use; if *asked*, with what may be chosen now."""
        of_builder = BuilderId(builder["builderid"]) if builder else None
        found = await self._stages.forms(self._visitor.sees, of_builder, asked=asked)
        forms = without_passwords_in(found)
        return [form for form in forms if form["enabled"] and self._may_force(form)]

    async def _what_may_be_forced(self, builder: Resource | None) -> Resource:
        enabled = await self.forms(builder)
        asking = [(form, _unanswered(form)) for form in enabled]
        if builder:
            choices = [_choice(form, builder["name"]) for form, names in asking if not names]
            unanswered = [(form["label"] or form["name"], names) for form, names in asking if names]
            return {"choices": choices, "more_choices": 0, "unanswered": unanswered}
        found = sorted(
            (_choice(form, name) for form, names in asking if not names
             for name in form["builder_names"]),
            key=lambda choice: (choice["builder"], choice["form"]),
        )  # fmt: skip
        more = max(0, len(found) - _CHOICES)
        return {"choices": found[:_CHOICES], "more_choices": more, "unanswered": []}

    def _may_force(self, form: Resource) -> bool:
        return self._visitor.refusal("force", f"forceschedulers/{form['name']}") is None


def _choice(form: Resource, builder: str) -> Resource:
    """Return a choice of the force form: its labels, and the call to send."""
    answers = {
        field["fullName"]: field["default"] for field in _fields(form["all_fields"])
        if field.get("required") and field["default"]
    }  # fmt: skip
    return {
        "builder": builder,
        "form": form["name"],
        "button": form["button_name"] or form["name"],
        "path": f"forceschedulers/{quote(form['name'], safe='')}",
        "parameters": msgspec.json.encode(answers | {"builderNames": [builder]}).decode(),
    }


def _unanswered(form: Resource) -> list[str]:
    """Return the labels of required fields without a default value."""
    return [
        field["label"] or field["fullName"]
        for field in _fields(form["all_fields"])
        if field.get("required") and not field["default"]
    ]


def _fields(fields: list[Resource]) -> Iterator[Resource]:
    for field in fields:
        if "fields" in field:
            yield from _fields(field["fields"])
        else:
            yield field


def _whole_seconds(row: Resource) -> int | None:
    if row["started_at"] is None or row["complete_at"] is None:
        return None
    return int(row["complete_at"] - row["started_at"])


def _sentence(reasons: dict[RequestId, Waiting], request: Resource) -> str:
    reason = reasons.get(RequestId(request["buildrequestid"]))
    return without_passwords(reason.sentence) if reason else ""
