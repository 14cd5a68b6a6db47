"""The machine of a latent worker, as the engine starts and stops it."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from twisted.internet.defer import Deferred

from buildbot._border.bridge import answered, answered_within
from buildbot.interfaces import LatentWorkerCannotSubstantiate, LatentWorkerFailedToSubstantiate
from buildbot.process.properties import Properties
from chargehand.config.model import BegunInstance
from chargehand.domain.instance import (
    FoundInstance,
    InstanceHealth,
    InstanceLabels,
    InstanceState,
    LeftInstance,
    StartedInstance,
)
from chargehand.domain.properties import Property
from chargehand.domain.session import WorkerNotStarted
from chargehand.kit.asking import no_answer
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import guarded
from chargehand.kit.unbroken import GivenUp, Unbroken
from chargehand_wire.addresses import HIDDEN

_log = logging.getLogger(__name__)

_MARGIN = 60.0
"""The engine's limit comes first."""
_STOP_SECONDS = 600.0
_FAST_STOP_SECONDS = 60.0


class Machine:
    """Implements HostedInstance of ``chargehand.config.model`` with a user's latent worker."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._has_begun = False
        self._starting: Unbroken[Any] | None = None

    @property
    def build_wait_timeout(self) -> float:
        """Seconds after its last build until it is stopped; negative: never."""
        return float(self._worker.build_wait_timeout)

    @property
    def missing_timeout(self) -> float:
        """Seconds that starting it and connecting its worker may take."""
        return float(self._worker.missing_timeout)

    @property
    def check_every(self) -> float:
        """Seconds between two calls of `health`, at most."""
        return float(self._worker.check_instance_interval)

    @property
    def first_check(self) -> float:
        """Seconds until its first call."""
        return min(float(self._worker._first_check), self.check_every)

    @property
    def may_be_incompatible(self) -> bool:
        """Whether a running machine may be unfit for a build."""
        return bool(self._worker.builds_may_be_incompatible)

    async def start(self, build: Any, begun: BegunInstance) -> StartedInstance:
        """Let the user's code start it. Raises WorkerNotStarted."""
        worker = self._worker
        if self._starting is not None and not self._starting.is_over:
            raise WorkerNotStarted(
                "an earlier start_instance, which was given up, has not ended yet"
            )
        await self._begin()
        _take_labels(worker, begun.labels)
        await worker._take_password()
        worker._connect = begun.connect
        worker._keep = begun.keep
        if worker._kind != "local":  # Its worker may connect before start_instance returns.
            await begun.connect()
        await self._wake()
        if not callable(worker.start_instance):
            words = f"start_instance must be a method, not {worker.start_instance!r}"
            raise WorkerNotStarted(words)
        takes_build = _takes_an_argument(worker.start_instance)
        arguments = (build.build,) if takes_build else ()
        starting = answered_within(inf, "start_instance", worker.start_instance, *arguments)
        self._starting = Unbroken(starting, name=f"start_instance of {worker.name}")
        seconds = self.missing_timeout + _MARGIN
        try:
            answer = await self._starting.outcome(seconds)
        except GivenUp:
            raise WorkerNotStarted(
                str(no_answer("start_instance", worker.start_instance, seconds))
            ) from None
        except LatentWorkerCannotSubstantiate as error:
            raise WorkerNotStarted(self._shown(_words(error)), is_final=True) from error
        except LatentWorkerFailedToSubstantiate as error:
            raise WorkerNotStarted(self._shown(_words(error))) from error
        except Exception as error:
            text = headline_of(error)
            if self._shown(text) == text:
                raise
            # Its traceback would show the password, which it got on a command line perhaps.
            raise WorkerNotStarted(self._shown(text)) from None
        if answer is False:
            raise WorkerNotStarted("start_instance returned False")
        if (mistake := _mistake(answer)) is not None:
            raise WorkerNotStarted(f"start_instance returned {mistake}")
        worker.instance_identity = list(_identity(answer))
        return StartedInstance(identity=_identity(answer), handle=_plain(worker.instance))

    async def start_ended(self) -> None:
        """Wait until a start that was given up does nothing more."""
        if self._starting is not None:
            await self._starting.ended()

    def _shown(self, text: str) -> str:
        """Return a text without the password of the machine."""
        password = self._worker.worker_password
        return text.replace(password, HIDDEN) if password else text

    async def restore(self, left: LeftInstance) -> None:
        """Give the user's object back what it knew of a machine, to stop it."""
        worker = self._worker
        await self._begin()
        _take_labels(worker, left.labels)
        worker.instance_identity = list(left.identity)
        await answered("restore_instance", worker.restore_instance, left.handle)

    async def find(self, fleet: str) -> Sequence[FoundInstance] | None:
        """Return what the user's code finds by its label; None if it cannot look."""
        worker = self._worker
        if not worker._can_find_instances:
            return None
        await self._begin()
        worker.fleet_label = fleet
        found = await answered("find_instances", worker.find_instances)
        if found is None:
            return None
        return [FoundInstance(name=str(name), handle=handle) for name, handle in found]

    async def stop_found(self, found: FoundInstance) -> None:
        """Let the user's code stop one of them."""
        function = self._worker.stop_found_instance
        await answered_within(_STOP_SECONDS, "stop_found_instance", function, found.handle)

    @property
    def place(self) -> str:
        """Where it is started."""
        return str(self._worker.instance_place())

    async def stop(self, *, fast: bool) -> None:
        """Let the user's code stop it."""
        worker = self._worker
        seconds = _FAST_STOP_SECONDS if fast else _STOP_SECONDS
        arguments = (fast,) if _takes_an_argument(worker.stop_instance) else ()
        await self._begin()
        await answered_within(seconds, "stop_instance", worker.stop_instance, *arguments)
        if (host := self._host) is not None:
            await host.leave(worker.name)

    async def health(self) -> InstanceHealth:
        """Return whether its worker may still connect, and why not or what it waits for."""
        with guarded(_log, "check_instance of worker %s failed", self._worker.name) as attempt:
            answer = await answered("check_instance", self._worker.check_instance)
            is_good, message = answer if isinstance(answer, tuple) else (answer, "")
            words = self._shown(str(message or ""))
            if not is_good:
                words = words or "check_instance returned False"
            return InstanceHealth(is_well=bool(is_good), words=words)
        words = f"check_instance failed: {self._shown(_words(attempt.failure))}"
        return InstanceHealth(is_well=False, words=words)

    async def is_compatible(self, properties: Mapping[str, Property]) -> bool:
        """Return whether the running machine is fit for a build with these properties."""
        found = Properties()
        found.properties.update(properties)
        found.master = self._worker.master
        function = self._worker.isCompatibleWithBuild
        return bool(await answered("isCompatibleWithBuild", function, found))

    def properties_of(self, build: Any) -> Mapping[str, Property]:
        """Return the properties of a build."""
        properties: Mapping[str, Property] = build.build.getProperties().properties
        return properties

    def has_become(self, state: str) -> None:
        """Show the machine's new state as ``worker.state``."""
        self._worker.state = InstanceState[state]

    async def close(self) -> None:
        """Stop what the user's object has begun."""
        if self._has_begun:
            self._has_begun = False
            await answered("stopService", self._worker.stopService)

    @property
    def _host(self) -> Any:
        """The latent machine on which the worker runs, if it has one."""
        worker = self._worker
        if worker.machine_name is None:
            return None
        return worker.master.machines.get(worker.machine_name, (None, None))[0]

    async def _wake(self) -> None:
        """Wake the machine on which the worker runs. Raises WorkerNotStarted."""
        if (host := self._host) is not None:
            try:
                await host.wake(self._worker.name)
            except LatentWorkerFailedToSubstantiate as error:
                raise WorkerNotStarted(_words(error)) from error

    async def _begin(self) -> None:
        """Start the service that the user's object is; with the arguments of its constructor."""
        if self._has_begun:
            return
        worker = self._worker
        arguments, keywords = worker._arguments, worker._keywords
        await answered("reconfigService", worker.reconfigService, *arguments, **keywords)
        await answered("startService", worker.startService)
        self._has_begun = True


def _take_labels(worker: Any, labels: InstanceLabels) -> None:
    worker.fleet_label = labels.fleet
    worker.instance_name = labels.name
    worker.instance_labels = {
        "chargehand.master": labels.fleet,
        "chargehand.worker": labels.worker,
        "chargehand.epoch": str(labels.epoch),
        "chargehand.instance": labels.name,
    }


def _plain(instance: object) -> object:
    """Return what can be recorded of the user's attribute ``instance``: plain data, else None."""
    with suppress(TypeError, ValueError, RecursionError):
        json.dumps(instance, allow_nan=False)
        return instance
    return None


def _takes_an_argument(method: Callable[..., Any]) -> bool:
    """Return whether a user's method takes what those of old versions did not."""
    parameters = inspect.signature(method).parameters.values()
    return any(one.kind is not inspect.Parameter.KEYWORD_ONLY for one in parameters)


def _words(error: BaseException | None) -> str:
    if error is None:
        return ""
    return ", ".join(str(one) for one in error.args if one is not None) or type(error).__name__


def _mistake(answer: Any) -> str | None:
    """Return what is wrong with an answer that starts nothing unless somebody runs it."""
    if inspect.isgenerator(answer):
        return "a generator: decorate it with @defer.inlineCallbacks"
    if isinstance(answer, Deferred) or inspect.isawaitable(answer):
        return f"a {type(answer).__name__} as its result: await it"
    return None


def _identity(answer: Any) -> tuple[str, ...]:
    if answer is None or isinstance(answer, bool):
        return ()
    if isinstance(answer, list | tuple | set | frozenset):
        return tuple(map(str, answer))
    return (str(answer),)
