"""Reasons for waiting: one value per reason, each with a sentence for people."""

from collections.abc import Sequence

import msgspec

from chargehand.domain.identifiers import RequestId
from chargehand.domain.lock import LockHolder
from chargehand.domain.retry import time_of_day
from chargehand.kit.durations import ago, duration

_MOST_HOLDERS = 8
_UNKNOWN = "has never connected"
_HOW_TO_BEGIN = '; to set up a worker, run "chargehand-worker create-worker" on its machine'


class Waiting(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A reason for waiting; ``sentence`` describes it."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        raise NotImplementedError


class BuilderNotConfigured(Waiting, frozen=True, tag="builder_not_configured"):
    """No running master has the builder in its configuration."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return "no running master configures this builder"


class NoWorkerConnected(Waiting, frozen=True, tag="no_worker_connected"):
    """None of the builder's workers is connected."""

    workers: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...] = ()
    """Workers that failed to start, each with the reason."""
    refused: tuple[tuple[str, str], ...] = ()
    """Workers whose login was refused lately, each with when and why."""
    unknown: tuple[str, ...] = ()
    """Workers on other machines that have never been connected."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        why = {name: f"could not be started: {reason}" for name, reason in self.reasons}
        why = {**dict.fromkeys(self.unknown, _UNKNOWN), **dict(self.refused), **why}
        names = (f"{name} ({why[name]})" if name in why else name for name in self.workers)
        told = f"none of its workers is connected{_listed(', '.join(names))}"
        advice = _HOW_TO_BEGIN if _UNKNOWN in map(why.get, self.workers) else ""
        return f"{told}{advice}"


class WorkersPaused(Waiting, frozen=True, tag="workers_paused"):
    """The connected workers are paused, or shutting down."""

    workers: tuple[tuple[str, str], ...]
    """Names, each with the reason of the pause."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        names = ", ".join(f"{name} ({why})" if why else name for name, why in self.workers)
        return f"all connected workers are paused{_listed(names)}"


class NotTrustedEnough(Waiting, frozen=True, tag="not_trusted_enough"):
    """Its sources are not trusted enough for all of the builder's workers."""

    trust: str
    """The level of its sources."""
    workers: tuple[str, ...]
    """Those that it may use."""
    others: tuple[str, ...]
    """Those that it may not use."""
    because: Waiting | None = None
    """What keeps it from those that it may use."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        if self.because is None:
            names = _listed(", ".join(self.others))
            return f"c['trust'] allows no worker of this builder for {self.trust} sources{names}"
        names = f" ({', '.join(self.workers)})" if self.workers else ""
        return (
            f"c['trust'] allows only some of its workers for {self.trust} sources{names}: "
            f"{self.because.sentence}"
        )


class WorkersInterrupted(Waiting, frozen=True, tag="workers_interrupted"):
    """All usable workers have lost their connection; their builds keep running."""

    workers: tuple[tuple[str, int, int], ...]
    """Names, each with the seconds since, and its number of running builds."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        lost = "; ".join(
            f"worker {name} lost its connection {ago(seconds)}{_going_on(builds)}"
            for name, seconds, builds in self.workers
        )
        return lost or "all its workers have lost their connection"


class WorkersBusy(Waiting, frozen=True, tag="workers_busy"):
    """All usable workers are at their limit of builds, or run a build of this builder."""

    workers: tuple[tuple[str, int, int], ...]
    """Names, each with its running builds and its limit (0: no limit)."""
    builder: str = ""
    builds: tuple[tuple[str, int], ...] = ()
    """Workers that run a build of this builder, each with its number (0: about to start)."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        own = dict(self.builds)
        told = [
            self._own(name, own[name]) if name in own else _full(name, runs, may)
            for name, runs, may in self.workers
        ]
        return "; ".join(told) or "all its workers are busy"

    def _own(self, worker: str, number: int) -> str:
        build = f"{self.builder} #{number}" if number else f"a build of {self.builder}"
        return f"{worker} is already running {build} (limit: 1 build of this builder per worker)"


class WorkersQuarantined(Waiting, frozen=True, tag="workers_quarantined"):
    """The usable workers failed to prepare builds recently, and get none for a while."""

    workers: tuple[tuple[str, float, int, str], ...]
    """Names, each with the end time, the failures in a row, and the reason."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        told = (f"{name} is {words}" for name, _, _, words in self.workers)
        return "; ".join(told) or "all its workers are in quarantine"


class RetryPaused(Waiting, frozen=True, tag="retry_paused"):
    """Its build ended without a result, and will be retried shortly."""

    number: int
    limit: int
    at: float
    reason: str

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return (
            f"retry {self.number} of {self.limit} at {time_of_day(self.at)} because {self.reason}"
        )


class LockHeld(Waiting, frozen=True, tag="lock_held"):
    """A lock is held by others, or reserved for an earlier waiter."""

    lock: str
    holders: tuple[LockHolder, ...]
    before: tuple[LockHolder, ...] = ()
    """Earlier waiters, if nobody holds the lock."""
    step: str = ""
    """The waiting step, if a build is already running."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        waits = f'step "{self.step}" waits: ' if self.step else ""
        if self.before:
            verb = "has" if len(self.before) == 1 else "have"
            names = f"{_names(self.before)}, which {verb} waited longer"
            return f"{waits}lock {self.lock} is reserved for {names}"
        return f"{waits}lock {self.lock} is held by {_names(self.holders) or 'others'}"


class HeldByParents(Waiting, frozen=True, tag="held_by_parents"):
    """What the build needs is held by builds that wait for it, or for others like it."""

    because: WorkersBusy | LockHeld
    holders: tuple[LockHolder, ...]
    """The builds that hold what it needs; all wait for builds that they have triggered."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        names = _names(self.holders) or "builds"
        wait = "waits" if len(self.holders) == 1 else "wait"
        return (
            f"deadlock: {self.because.sentence}; {names} {wait} for this build, or for one like "
            f"it. {self.advice}"
        )

    @property
    def advice(self) -> str:
        """What to do about it."""
        stop = f"Stop {self.holders[0].words}" if len(self.holders) == 1 else "Stop one of them"
        if isinstance(self.because, LockHeld):
            return f"{stop}; a build must not hold a lock that the builds it waits for need"
        return f"{stop}; give this builder another worker, or its worker a larger max_builds"


class TriggeredWaits(Waiting, frozen=True, tag="triggered_waits"):
    """The build waits for a build that it has triggered, and that waits itself."""

    request_id: RequestId
    builder: str
    because: Waiting

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        whose = f"request {self.request_id} of {self.builder}" if self.builder else "another build"
        return f"waits for {whose}, which it has triggered: {self.because.sentence}"


class WorkerPreparing(Waiting, frozen=True, tag="worker_preparing"):
    """The build has started, and its worker is being started, or is creating its directory."""

    workers: tuple[tuple[str, int], ...]
    """The worker's name, with the seconds since the request."""
    is_interrupted: bool = False
    """Whether the worker's connection is interrupted."""
    is_starting: bool = False
    """Whether the worker is being started."""
    waits_for: str = ""
    """What keeps it from being ready, if that is known."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        for name, seconds in self.workers:
            if self.is_starting:
                because = f": {self.waits_for}" if self.waits_for else ""
                return f"worker {name} has been starting for {duration(seconds)}{because}"
            lost = "; its connection is interrupted" if self.is_interrupted else ""
            return f"worker {name} has been preparing the build for {duration(seconds)}{lost}"
        return "its worker is preparing the build"


class BeingGivenBack(Waiting, frozen=True, tag="being_given_back"):
    """Its build could not be started or recorded; it returns to the queue within 30 seconds."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return "its build could not be recorded; returning it to the queue within 30 s"


class LockUnavailable(Waiting, frozen=True, tag="lock_unavailable"):
    """The access needs more of a lock than it allows."""

    lock: str
    wanted: int
    allowed: int
    worker: str

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return (
            f"needs {self.wanted} of lock {self.lock}, which allows {self.allowed} "
            f"on {self.worker}; change the lock's maxCount or the count of the access"
        )


class RefusedByFunction(Waiting, frozen=True, tag="refused_by_function"):
    """A function of the configuration (canStartBuild, nextWorker, nextBuild …) refused."""

    function: str
    workers: tuple[str, ...] = ()
    place: str = ""
    """File and line of the function."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        at = f" ({self.place})" if self.place else ""
        where = f" for {', '.join(self.workers)}" if self.workers else ""
        return f"{self.function}{at} refused{where}"


class FunctionAsked(Waiting, frozen=True, tag="function_asked"):
    """A function of the configuration has not returned yet."""

    function: str
    seconds: int

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return f"{self.function} has been running for {self.seconds} s"


class FunctionFailed(Waiting, frozen=True, tag="function_failed"):
    """A function of the configuration raised an exception or timed out."""

    function: str
    error: str
    place: str = ""
    """File and line of the function."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        at = f" ({self.place})" if self.place else ""
        return f"{self.function}{at} failed: {self.error}"


class BehindOthers(Waiting, frozen=True, tag="behind_others"):
    """Other requests of the builder come first."""

    ahead: int
    the_first_waits: str = ""
    """Why the first of them is waiting, if it is."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        others = "1 other request" if self.ahead == 1 else f"{self.ahead} other requests"
        come = "comes" if self.ahead == 1 else "come"
        because = (
            f"; the first of them waits: {self.the_first_waits}" if self.the_first_waits else ""
        )
        return f"{others} of this builder {come} first{because}"


class MasterStopping(Waiting, frozen=True, tag="master_stopping"):
    """The master is waiting for running builds, and starts no new ones."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return "the master is shutting down and does not start new builds"


class AboutToStart(Waiting, frozen=True, tag="about_to_start"):
    """Nothing prevents it from starting."""

    @property
    def sentence(self) -> str:
        """The reason as one sentence."""
        return "about to start"


def _listed(names: str) -> str:
    """Return the end of a sentence: a colon and the names, if there are visible ones."""
    return f": {names}" if names else ""


def _full(worker: str, runs: int, may: int) -> str:
    builds = "1 build" if runs == 1 else f"{runs} builds"
    if not may:
        return f"worker {worker} is busy"
    limit = "its limit" if runs == may else f"and its limit is {may}"
    return f"worker {worker} is already running {builds}, {limit} (max_builds)"


def _going_on(builds: int) -> str:
    match builds:
        case 0:
            return ""
        case 1:
            return "; its build keeps running"
        case _:
            return f"; its {builds} builds keep running"


def _names(holders: Sequence[LockHolder]) -> str:
    """Return the names, truncated if there are many."""
    names = [holder.words for holder in holders[:_MOST_HOLDERS]]
    if more := len(holders) - len(names):
        names.append(f"{more} more")
    return ", ".join(names)
