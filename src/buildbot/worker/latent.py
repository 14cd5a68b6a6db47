"""Workers whose machines are started when there is something to build, and stopped after that."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NoReturn

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.numbers import ANY_SECONDS, check_number
from buildbot.interfaces import (
    ILatentWorker,
    LatentWorkerFailedToSubstantiate,
    implementer,
)
from buildbot.worker.base import AbstractWorker
from buildbot.worker.machine import Machine
from chargehand.config.model import WorkerConfig
from chargehand.domain.instance import InstanceState as States

DEFAULT_MISSING_TIMEOUT = 60 * 20
_OLD_ORDER = (
    "max_builds",
    "notify_on_missing",
    "missing_timeout",
    "build_wait_timeout",
    "properties",
    "locks",
)
_LENGTH_OF_PASSWORDS = 20


@implementer(ILatentWorker)
class AbstractLatentWorker(AbstractWorker):
    """A worker whose machine is started for a build, and stopped some time after the last one.

    Subclasses override `start_instance` and `stop_instance`, each plain, ``async``, or with a
    Deferred. They never run at the same time, and every start is followed by a stop, even if it
    has failed.

    ``missing_timeout`` (1200 by default) is for how many seconds starting the machine and
    connecting its worker may take.

    Args:
        build_wait_timeout (float, seconds): How long the machine goes on without a build: 0 stops
            it after each build, a negative number never.
        start_missing_on_startup (bool): Accepted; machines are started by builds only.
    """

    _kind = "latent"
    start_missing_on_startup: bool = True
    builds_may_be_incompatible: bool = False
    """Whether a running machine may be unfit for a build: then `isCompatibleWithBuild` is asked."""
    check_instance_interval: float = 10
    """Seconds between two calls of `check_instance`."""
    state: States = States.NOT_SUBSTANTIATED
    """What its machine is doing."""

    # No values here: a configuration may ask a class which attributes it has before it is made.
    build_wait_timeout: float
    instance: Any
    _connect: Callable[[], Awaitable[None]]
    """Expects the worker from now on; set while the machine is started."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) > 4:  # The order of Buildbot 0.8.
            kwargs = {**dict(zip(_OLD_ORDER, args[2:], strict=False)), **kwargs}
            args = args[:2]
        super().__init__(*args, **kwargs)

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any,
        build_wait_timeout: float = 60 * 10,
        start_missing_on_startup: bool = True,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        if kwargs.get("missing_timeout") is None:
            kwargs["missing_timeout"] = DEFAULT_MISSING_TIMEOUT
        super().checkConfig(name, password, **kwargs)
        self.instance = None
        self.build_wait_timeout = build_wait_timeout
        check_number(f'worker "{name}"', "build_wait_timeout", build_wait_timeout, ANY_SECONDS)
        self.start_missing_on_startup = start_missing_on_startup

    def start_instance(self, build: Any) -> Any:
        """Start the machine for a build, of which properties can be rendered.

        Return True or None, or short strings that identify the machine, for the master's log. To
        return False, or to raise LatentWorkerFailedToSubstantiate (or anything else), lets the
        build be tried elsewhere, and gives this worker no builds for a while; raise
        LatentWorkerCannotSubstantiate if no worker of this kind can run the build: it ends as an
        exception.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method start_instance")

    def stop_instance(self, fast: bool = False) -> Any:
        """Stop the machine, whatever has become of it; with *fast* return as soon as is safe.

        It is called after a failed start as well. What it returns is not used.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method stop_instance")

    def check_instance(self) -> Any:
        """Return whether the machine is well while its worker must connect, and a message if it is
        not: ``(False, "out of memory")``. An exception means that it is not."""
        return settled((True, ""))

    def isCompatibleWithBuild(self, build_props: Any) -> Any:
        """Return whether the machine that runs is fit for a build with these properties.

        It is asked if `builds_may_be_incompatible`. A machine that is not fit is stopped, and
        restarted for the build, once nothing else runs on it.
        """
        return settled(True)

    def getRandomPass(self) -> str:
        """Return a new password, for a machine that is told it when it starts."""
        letters = string.ascii_letters + string.digits
        return "".join(secrets.choice(letters) for _ in range(_LENGTH_OF_PASSWORDS))

    def failed_to_start(self, instance_id: str, instance_state: str) -> NoReturn:
        """Raise LatentWorkerFailedToSubstantiate: a machine came into a state that it must not."""
        raise LatentWorkerFailedToSubstantiate(
            f"instance {instance_id} is {instance_state} instead of running"
        )

    @property
    def substantiated(self) -> bool:
        """Whether its worker is connected."""
        return self.state is States.SUBSTANTIATED

    def startService(self) -> Any:
        """Begin what is needed to start machines; it is called before the first start."""
        return settled(None)

    def stopService(self) -> Any:
        """End it; it is called when the master stops, or the worker's configuration changes."""
        return settled(None)

    def _as_worker_config(self) -> WorkerConfig:
        return replace(super()._as_worker_config(), instance=Machine(self))

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "build_wait_timeout": self.build_wait_timeout}
