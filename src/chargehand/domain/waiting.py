"""Why a request waits: one value per reason, each with a sentence for the person who asks."""

from collections.abc import Sequence

import msgspec

from chargehand.domain.lock import LockHolder

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
        return "the builder is in no running configuration"


class NoWorkerConnected(Waiting, frozen=True, tag="no_worker_connected"):
    """None of the builder's workers is connected."""

    workers: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        return f"none of its workers is connected{_listed(', '.join(self.workers))}"


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
    """All usable workers run as many builds as they may."""

    workers: tuple[tuple[str, int, int], ...]
    """Names, each with the builds it runs and may run."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        busy = ", ".join(f"{name} ({runs} of {may})" for name, runs, may in self.workers)
        return f"all its workers are busy{_listed(busy)}"


class LockHeld(Waiting, frozen=True, tag="lock_held"):
    """A lock is held by others, or kept for who came first."""

    lock: str
    holders: tuple[LockHolder, ...]
    before: tuple[LockHolder, ...] = ()
    """Who waits for it already, if nobody holds it."""

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        if self.before:
            verb = "waits" if len(self.before) == 1 else "wait"
            return f"lock {self.lock} is kept for {_names(self.before)}, which {verb} for it longer"
        return f"lock {self.lock} is held by {_names(self.holders) or 'others'}"


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

    @property
    def sentence(self) -> str:
        """Say it in one English sentence."""
        where = f" for {', '.join(self.workers)}" if self.workers else ""
        return f"{self.function} said no{where}"


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
        return "nothing stands in its way; it is about to start"


def _listed(names: str) -> str:
    """Return what follows a sentence: names, where there are some that may be told."""
    return f": {names}" if names else ""


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
