"""Change sources that users write: what to subclass."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from buildbot._border.bridge import answered_within, outward, settled
from buildbot._border.errors import error
from buildbot._border.making import place_of_new
from buildbot._border.numbers import SECONDS, SECONDS_OR_NONE
from buildbot.interfaces import IChangeSource, implementer
from buildbot.util.poll import method as poll_method
from buildbot.util.service import ClusteredBuildbotService, ServiceRuntime
from chargehand.config.model import Component, HostedSettings
from chargehand.intake.polling import PollingLoop, Report, Schedule, unreported
from chargehand.kit.tasks import Tasks

__all__ = [
    "ChangeSource",
    "PollingChangeSource",
    "ReconfigurablePollingChangeSource",
    "poll_method",
]

DEFAULT_POLL_INTERVAL = 10 * 60

POLL_SECONDS = 3600.0
"""How long ``poll()`` may take."""


@implementer(IChangeSource)
class ChangeSource(ClusteredBuildbotService):
    """Finds changes, and adds them with ``self.master.data.updates.addChange(...)``.

    Subclasses override `activate` and `deactivate` (or ``startService`` and ``stopService``), and
    `describe`. The name is that of the class, where none is given.

    Args:
        name (str | None): The change source's name; by default that of the class.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make it so that it works although a subclass's ``__init__`` does not call this one's:
        classes for Buildbot 0.8 need not."""
        made = super().__new__(cls)
        if made.name is None:
            made.name = cls.__name__
        made._made_at = place_of_new()
        made.services, made.namedServices = [], {}
        made._config_args, made._config_kwargs = (), {}
        made.configured = True
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.configured = False
        super().__init__(*args, **kwargs)

    def describe(self) -> str:
        """Return a sentence for people."""
        return f"{type(self).__name__} {self.name}"

    def force(self) -> bool:
        """Look for changes at once; False when that is not in its nature."""
        return False

    def _report_to(self, report: Report) -> bool:
        return False

    def _as_component(self) -> Component:
        return Component(
            name=str(self.name),
            settings=HostedSettings(runtime=ChangeSourceRuntime(self)),
            extension=self,
        )


class ChangeSourceRuntime(ServiceRuntime):
    """A change source of the configuration, as the engine runs it."""

    def __init__(self, source: ChangeSource) -> None:
        super().__init__(source)
        self._source = source

    def force(self) -> bool:
        """Let it look at once."""
        return self._source.force()

    def report_to(self, report: Report) -> bool:
        """Have it report how it fares; False when it is not one that finds out by itself."""
        return self._source._report_to(report)


class Polling(Protocol):
    """What runs the polls of a change source."""

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> object:
        """Begin to poll."""

    async def close(self) -> None:
        """Poll no more."""


class ReconfigurablePollingChangeSource(ChangeSource):
    """Calls ``poll()`` every ``pollInterval`` seconds, and never twice at once.

    ``poll()`` may be plain, ``async def``, or return a Deferred; when it fails, polling continues.
    Arguments come by `checkConfig` and `reconfigService`, which subclasses extend.

    Args:
        pollInterval (float | None, seconds): Time from one poll to the next; 0 polls only on
            request.
        pollAtLaunch (bool): Poll as soon as the master has started.
        pollRandomDelayMin (float, seconds): Shortest random delay before a poll.
        pollRandomDelayMax (float, seconds): Longest random delay before a poll.
    """

    pollInterval: float = DEFAULT_POLL_INTERVAL
    pollAtLaunch = False
    pollRandomDelayMin: float = 0
    pollRandomDelayMax: float = 0
    _loop: PollingLoop | None = None
    _polling: Polling | None = None
    _report: Report = staticmethod(unreported)

    def checkConfig(
        self,
        name: str | None = None,
        pollInterval: float | None = None,
        pollAtLaunch: bool = False,
        pollRandomDelayMin: float = 0,
        pollRandomDelayMax: float = 0,
        **kwargs: Any,
    ) -> Any:
        """Check the times. The constructor takes the name: what is passed here is not used."""
        super().checkConfig(**kwargs)
        for sentence in schedule_errors(
            self.pollInterval if pollInterval is None else pollInterval,
            pollRandomDelayMin,
            pollRandomDelayMax,
        ):
            error(sentence)

    def reconfigService(
        self,
        name: str | None = None,
        pollInterval: float | None = None,
        pollAtLaunch: bool = False,
        pollRandomDelayMin: float = 0,
        pollRandomDelayMax: float = 0,
        **kwargs: Any,
    ) -> Any:
        """Take over the times."""
        if pollInterval is not None:
            self.pollInterval = pollInterval
        self.pollAtLaunch = pollAtLaunch
        self.pollRandomDelayMin = pollRandomDelayMin
        self.pollRandomDelayMax = pollRandomDelayMax
        return super().reconfigService(**kwargs)

    def poll_by(self, polling: Polling) -> None:
        """Let something else run its polls: the clock of a test."""
        self._polling = polling

    def poll(self) -> Any:
        """Look for changes; return nothing, a coroutine, or a Deferred."""
        raise NotImplementedError(f"{type(self).__name__} must implement poll()")

    def force(self) -> bool:
        """Poll at once, or when the running poll has ended."""
        if self._loop is not None:
            self._loop.force()
        return self._loop is not None

    @property
    def doPoll(self) -> PollOrders:
        """What asks for polls: ``doPoll()`` polls at once, ``doPoll.stop()`` polls no more, and
        ``doPoll.start()`` polls again."""
        return PollOrders(self)

    def activate(self) -> Any:
        """Begin to poll."""
        self._loop = PollingLoop(
            name=str(self.name),
            poll=self._poll_inward,
            schedule=Schedule(
                interval=self.pollInterval or 0,
                at_launch=bool(self.pollAtLaunch),
                random_delay_min=self.pollRandomDelayMin,
                random_delay_max=self.pollRandomDelayMax,
            ),
            report=self._report,
        )
        if self._polling is None:
            self._polling = Tasks("change source")
        self._polling.spawn(self._loop.run(), name=str(self.name))
        return settled(None)

    def deactivate(self) -> Any:
        """End a poll that runs, and poll no more; returns a Deferred."""
        self._loop = None
        return settled(None) if self._polling is None else outward(self._polling.close())

    def _report_to(self, report: Report) -> bool:
        self._report = report
        return True

    async def _poll_inward(self) -> None:
        await answered_within(POLL_SECONDS, "poll", self.poll)


class PollOrders:
    """Orders to a poller, as ``self.doPoll`` of its methods takes them."""

    def __init__(self, source: ReconfigurablePollingChangeSource) -> None:
        self._source = source

    def __call__(self) -> Any:
        """Poll at once, or when the running poll has ended."""
        self._source.force()
        return settled(None)

    def start(self, interval: float | None = None, now: bool = False) -> Any:
        """Poll again, every *interval* seconds if given, and at once with *now*."""
        source = self._source
        if interval is not None:
            source.pollInterval = interval
        begun = settled(None) if source._loop is not None else source.activate()
        if now:
            source.force()
        return begun

    def stop(self) -> Any:
        """Poll no more; the Deferred fires when a running poll has ended."""
        return self._source.deactivate()


class PollingChangeSource(ReconfigurablePollingChangeSource):
    """The same, for subclasses that take their arguments in ``__init__``."""

    def __init__(
        self,
        name: str | None = None,
        pollInterval: float | None = None,
        pollAtLaunch: bool = False,
        pollRandomDelayMin: float = 0,
        pollRandomDelayMax: float = 0,
        **kwargs: Any,
    ) -> None:
        if pollInterval is not None:
            self.pollInterval = pollInterval
        self.pollAtLaunch = pollAtLaunch
        super().__init__(
            name=name,
            pollInterval=self.pollInterval,
            pollAtLaunch=pollAtLaunch,
            pollRandomDelayMin=pollRandomDelayMin,
            pollRandomDelayMax=pollRandomDelayMax,
            **kwargs,
        )


def schedule_errors(interval: Any, delay_min: Any, delay_max: Any) -> list[str]:
    """Return what is wrong with the times of a poller, in sentences."""
    numbers = (
        SECONDS_OR_NONE.problem("pollInterval", interval),
        SECONDS.problem("pollRandomDelayMin", delay_min),
        SECONDS.problem("pollRandomDelayMax", delay_max),
    )
    found = [problem for problem in numbers if problem is not None]
    if found:
        return found
    if delay_min > delay_max:
        found.append("pollRandomDelayMin must not be greater than pollRandomDelayMax")
    if interval and delay_max >= interval:
        found.append("pollRandomDelayMax must be less than pollInterval")
    return found
