"""What all reporters have in common: events in, reports of generators, `sendMessage` out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import answered, answered_within, outgoing, outward
from buildbot._border.errors import error
from buildbot._border.making import Making
from buildbot.interfaces import IReportGenerator
from buildbot.reporters.generators.build import BuildStatusGenerator
from buildbot.reporters.lanes import Lanes
from buildbot.reporters.utils import getResponsibleUsersForBuild
from buildbot.util.service import BuildbotService
from chargehand.kit.counted import counted
from chargehand.kit.guard import guarded

__all__ = ["ENCODING", "ReporterBase"]

ENCODING = "utf-8"

Row = dict[str, Any]

_SEND_SECONDS = 600.0
"""How long ``sendMessage`` may take."""
_STOP_SECONDS = 8.0
"""How long a reporter that is stopped may take to report what has happened before."""
_log = logging.getLogger(__name__)


class ReporterBase(BuildbotService):
    """Passes the reports that its generators make of events to `sendMessage`.

    Events of one build are reported in order; a slow report does not delay those of other builds.
    Subclasses write ``sendMessage(self, reports)``, plain, ``async`` or returning a Deferred. A
    reporter without a name is named after its class and its generators.

    Args:
        generators (list[Any] | None): Report generators, which choose what is reported; None for
            the reporter's own.
    """

    name: Any = None
    generators: Sequence[Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._has_own_name = kwargs.get("name") is not None or self.name is not None
        if not self._has_own_name:
            self.name = type(self).__name__
        self._lanes: Lanes | None = None
        self._consumer: Any = None
        super().__init__(*args, **kwargs)

    def getResponsibleUsersForBuild(self, master: Any, buildid: int) -> Any:
        """Return a Deferred of who made the changes and patches of a build, and its owners."""
        return getResponsibleUsersForBuild(master, buildid)

    @own_arguments
    def checkConfig(self, generators: Sequence[Any] | None = None, **kwargs: Any) -> Any:
        """Check the generators; without any, a subclass has those that it makes itself."""
        kind = type(self).__name__
        if kwargs:
            for argument in kwargs:
                error(f'{kind} has no argument "{argument}"')
        if generators is None:
            generators = self._create_default_generators()
        if not isinstance(generators, list | tuple):
            error(f"{kind}: generators must be a list of report generators, not {generators!r}")
            return
        for generator in generators:
            if not _is_generator(generator):
                error(
                    f"{kind}: generators must have report generators such as "
                    f"reporters.BuildStatusGenerator(...), not {generator!r}"
                )
                continue
            check = getattr(generator, "check", None)
            if check is not None:
                check()
        if not self._has_own_name:
            self.name = "_".join([kind, *map(_name_of, filter(_is_generator, generators))])

    @own_arguments
    def reconfigService(self, generators: Sequence[Any] | None = None, **kwargs: Any) -> Any:
        """Take over the generators."""
        return outward(self._take_over(generators))

    def sendMessage(self, reports: Sequence[Row]) -> Any:
        """Send reports of one event, one of each generator that had something to say."""
        raise NotImplementedError(f"{type(self).__name__} has no sendMessage")

    def startService(self) -> Any:
        """Listen to the events that the generators want."""
        return outward(self._start())

    def stopService(self) -> Any:
        """Listen no more, and report what has happened before."""
        return outward(self._stop())

    def _create_default_generators(self) -> list[Any]:
        """Return the generators of a reporter that was given none."""
        return [BuildStatusGenerator()]

    async def _take_over(self, generators: Sequence[Any] | None) -> None:
        self.generators = self._create_default_generators() if generators is None else generators

    async def _start(self) -> None:
        await self._start_all()
        self._lanes = Lanes(f"reporter {self.name}")
        keys = dict.fromkeys(
            tuple(key) for generator in self.generators or () for key in generator.wanted_event_keys
        )
        if keys:
            self._consumer = await self.master.mq.consume(self._got_event, list(keys))

    async def _stop(self) -> None:
        if self._consumer is not None:
            self._consumer.stopConsuming()
            self._consumer = None
        if self._lanes is not None:
            lanes, self._lanes = self._lanes, None
            await lanes.close(patience=_STOP_SECONDS)
            if lanes.waiting:
                _log.error(
                    'reporter "%s" was stopped before it could report %s',
                    self.name,
                    counted(lanes.waiting, "event"),
                )
        await self._stop_all()

    @outgoing
    async def _got_event(self, key: Sequence[Any], message: Row) -> None:
        # The name is Buildbot's: tests of reporters call it, with numbers in the key.
        key = tuple(map(str, key))
        if self._lanes is not None:
            await self._lanes.put(_subject(key, message), lambda: self._report(key, message))

    async def _report(self, key: tuple[str, ...], message: Row) -> None:
        reports = []
        for generator in self.generators or ():
            if not any(_fits(wanted, key) for wanted in generator.wanted_event_keys):
                continue
            with guarded(_log, 'reporter "%s": no report of %s', self.name, ".".join(key)):
                with Making(self):
                    report = await answered(
                        "generate", generator.generate, self.master, self, key, message
                    )
                if report is not None:
                    reports.append(report)
        if not reports:
            return
        with guarded(
            _log, 'reporter "%s" could not send its report of %s', self.name, ".".join(key)
        ):
            await answered_within(_SEND_SECONDS, "sendMessage", self.sendMessage, reports)


def _subject(key: tuple[str, ...], message: Row) -> tuple[str, Any]:
    """Return what an event is of: its events are reported in order."""
    return (key[0], message.get("buildid") if key[0] == "builds" else key[1])


def _fits(wanted: Sequence[str | None], key: Sequence[str]) -> bool:
    return len(wanted) == len(key) and all(
        one is None or one == part for one, part in zip(wanted, key, strict=True)
    )


def _is_generator(thing: Any) -> bool:
    return not isinstance(thing, type) and (
        IReportGenerator.providedBy(thing)
        or (hasattr(thing, "generate") and hasattr(thing, "wanted_event_keys"))
    )


def _name_of(generator: Any) -> str:
    generate_name = getattr(generator, "generate_name", None)
    return type(generator).__name__ if generate_name is None else str(generate_name())
