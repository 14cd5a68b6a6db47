"""Why a request waits: one value per reason, each with a sentence for the person who asks."""

from collections.abc import Sequence

import msgspec

from chargehand.domain.lock import LockHolder
from chargehand.domain.retry import time_of_day

_MOST_HOLDERS = 8


class Waiting(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A reason for waiting; ``sentence`` says it in words."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        raise NotImplementedError


class BuilderNotConfigured(Waiting, frozen=True, tag="builder_not_configured"):
    """No running master has the builder in its configuration."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return "no running master configures this builder"


class NoWorkerConnected(Waiting, frozen=True, tag="no_worker_connected"):
    """None of the builder's workers is connected."""

    workers: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...] = ()
    """Those that could not be started, each with the reason."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        why = dict(self.reasons)
        names = (
            f"{name} (could not be started: {why[name]})" if name in why else name
            for name in self.workers
        )
        return f"none of its workers is connected{_listed(', '.join(names))}"


class WorkersPaused(Waiting, frozen=True, tag="workers_paused"):
    """The connected workers are paused, or shutting down."""

    workers: tuple[tuple[str, str], ...]
    """Names, each with the reason it was given."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        names = ", ".join(f"{name} ({why})" if why else name for name, why in self.workers)
        return f"all connected workers are paused{_listed(names)}"


class WorkersInterrupted(Waiting, frozen=True, tag="workers_interrupted"):
    """The connections of all usable workers were lost a moment ago; what they run goes on."""

    workers: tuple[tuple[str, int, int], ...]
    """Names, each with the seconds since, and the builds that it runs."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        lost = "; ".join(
            f"worker {name} lost its connection {seconds} s ago{_going_on(builds)}"
            for name, seconds, builds in self.workers
        )
        return lost or "all its workers have lost their connection for the moment"


class WorkersBusy(Waiting, frozen=True, tag="workers_busy"):
    """All usable workers run as many builds as they may, or one of this builder."""

    workers: tuple[tuple[str, int, int], ...]
    """Names, each with the builds it runs and may run (0: any number)."""
    builder: str = ""
    builds: tuple[tuple[str, int], ...] = ()
    """Workers that run a build of this builder, each with its number (0: about to start)."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
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
    """The usable workers could not prepare builds lately, and get none for a while."""

    workers: tuple[tuple[str, float, int, str], ...]
    """Names, each with when that ends, failures in a row, and the reason in words."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        told = (f"{name} is {words}" for name, _, _, words in self.workers)
        return "; ".join(told) or "all its workers are in quarantine"


class RetryPaused(Waiting, frozen=True, tag="retry_paused"):
    """It was built without a result, and is to be retried a little later."""

    number: int
    limit: int
    at: float
    reason: str

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return (
            f"retry {self.number} of {self.limit} at {time_of_day(self.at)} because {self.reason}"
        )


class LockHeld(Waiting, frozen=True, tag="lock_held"):
    """A lock is held by others, or kept for who came first."""

    lock: str
    holders: tuple[LockHolder, ...]
    before: tuple[LockHolder, ...] = ()
    """Who waits for it already, if nobody holds it."""
    step: str = ""
    """The step that waits, where a build runs already."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        waits = f'step "{self.step}" waits: ' if self.step else ""
        if self.before:
            verb = "waits" if len(self.before) == 1 else "wait"
            names = f"{_names(self.before)}, which {verb} for it longer"
            return f"{waits}lock {self.lock} is kept for {names}"
        return f"{waits}lock {self.lock} is held by {_names(self.holders) or 'others'}"


class WorkerPreparing(Waiting, frozen=True, tag="worker_preparing"):
    """A build has begun, and its worker makes the build's directory."""

    workers: tuple[tuple[str, int], ...]
    """The worker's name, with the seconds since it was asked."""
    is_interrupted: bool = False
    """Whether the worker's connection is lost for the moment."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        for name, seconds in self.workers:
            lost = "; its connection is lost for the moment" if self.is_interrupted else ""
            return f"worker {name} has been preparing the build for {seconds} s{lost}"
        return "its worker is preparing the build"


class BeingGivenBack(Waiting, frozen=True, tag="being_given_back"):
    """Its build could not be begun or recorded; it is queued again in half a minute."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return "its build could not be recorded; it is queued again within 30 s"


class LockUnavailable(Waiting, frozen=True, tag="lock_unavailable"):
    """More is wanted of a lock than it allows."""

    lock: str
    wanted: int
    allowed: int
    worker: str

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return (
            f"it wants {self.wanted} of lock {self.lock}, which allows {self.allowed} "
            f"on {self.worker}; change the lock's maxCount or the count of the access"
        )


class RefusedByFunction(Waiting, frozen=True, tag="refused_by_function"):
    """A function of the configuration (canStartBuild, nextWorker, nextBuild …) said no."""

    function: str
    workers: tuple[str, ...] = ()
    place: str = ""
    """File and line of the function."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        at = f" ({self.place})" if self.place else ""
        where = f" for {', '.join(self.workers)}" if self.workers else ""
        return f"{self.function}{at} said no{where}"


class FunctionAsked(Waiting, frozen=True, tag="function_asked"):
    """A function of the configuration has not answered yet."""

    function: str
    seconds: int

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return f"waiting for an answer of {self.function} for {self.seconds} s"


class FunctionFailed(Waiting, frozen=True, tag="function_failed"):
    """A function of the configuration raised an exception, or did not answer in time."""

    function: str
    error: str

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return f"{self.function} failed: {self.error}"


class BehindOthers(Waiting, frozen=True, tag="behind_others"):
    """Other requests of the builder come first."""

    ahead: int
    the_first_waits: str = ""
    """Why the first of them waits, if it does."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        others = "1 other request" if self.ahead == 1 else f"{self.ahead} other requests"
        come = "comes" if self.ahead == 1 else "come"
        because = (
            f"; the first of them waits: {self.the_first_waits}" if self.the_first_waits else ""
        )
        return f"{others} of this builder {come} first{because}"


class MasterStopping(Waiting, frozen=True, tag="master_stopping"):
    """The master waits for running builds and starts no others."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return "the master is shutting down and starts no more builds"


class AboutToStart(Waiting, frozen=True, tag="about_to_start"):
    """Nothing stands in its way."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return "about to start"


def _listed(names: str) -> str:
    """Return what follows a sentence: names, where there are some that may be told."""
    return f": {names}" if names else ""


def _full(worker: str, runs: int, may: int) -> str:
    builds = "1 build" if runs == 1 else f"{runs} builds"
    return f"{worker} is running {builds} (max_builds={may})" if may else f"{worker} is busy"


def _going_on(builds: int) -> str:
    match builds:
        case 0:
            return ""
        case 1:
            return "; its build goes on"
        case _:
            return f"; its {builds} builds go on"


def _names(holders: Sequence[LockHolder]) -> str:
    """Return names, the first of many."""
    names = [holder.words for holder in holders[:_MOST_HOLDERS]]
    if more := len(holders) - len(names):
        names.append(f"{more} more")
    return ", ".join(names)
