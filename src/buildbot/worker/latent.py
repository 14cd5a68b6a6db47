"""Workers whose machines are started when there is something to build, and stopped after that."""

from __future__ import annotations

import inspect
import secrets
import socket
import string
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, NoReturn

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.errors import error
from buildbot._border.numbers import ANY_SECONDS, check_constant
from buildbot.interfaces import (
    ILatentWorker,
    LatentWorkerFailedToSubstantiate,
    implementer,
)
from buildbot.worker.base import AbstractWorker
from buildbot.worker.machine import Machine
from chargehand.config.model import WORKER_PROTOCOLS, WorkerConfig
from chargehand.domain.instance import InstanceState as States
from chargehand.kit.values import replace

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
        build_wait_timeout (float, seconds): How long the machine keeps running without a
            build: 0 stops it after each build, a negative number never.
        start_missing_on_startup (bool): Accepted; machines are started by builds only.
        master_protocol (str): How its worker connects: "pb", "msgpack_experimental_v7" or
            "native".
    """

    _kind = "latent"
    start_missing_on_startup: bool = True
    master_protocol: str = "pb"
    builds_may_be_incompatible: bool = False
    """Whether a running machine may be unfit for a build: then `isCompatibleWithBuild` is asked."""
    check_instance_interval: float = 10
    """Seconds between two calls of `check_instance`."""
    _first_check: float = inf
    """Seconds until its first call, if that is sooner: machines of our kinds may be asked about
    as soon as they are started, and those that fail often end at once."""
    state: States = States.NOT_SUBSTANTIATED
    """What its machine is doing."""

    instance_name: str = ""
    """The name of the machine that is started or stopped now: unique, known before it is started,
    and valid as a host's name."""
    instance_labels: dict[str, str]
    """What to label it with: its name, and the master, worker and epoch that it belongs to."""
    instance_identity: list[str]
    """What `start_instance` returned."""
    fleet_label: str = ""
    """The value of the label ``chargehand.master``."""
    worker_password: str | None = None
    """The password with which its worker connects; a new one for each machine, unless the worker
    has one."""
    _keep: Callable[[object], Awaitable[None]]

    # No values here: a configuration may ask a class which attributes it has before it is made.
    build_wait_timeout: float
    instance: Any
    _connect: Callable[[], Awaitable[None]]
    """Expects the worker from now on; set while the machine is started."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) > 4 and not self._has_own_positions():  # The order of Buildbot 0.8.
            kwargs = {**dict(zip(_OLD_ORDER, args[2:], strict=False)), **kwargs}
            args = args[:2]
        super().__init__(*args, **kwargs)

    def _has_own_positions(self) -> bool:
        """Return whether arguments of a subclass follow the password."""
        third = list(inspect.signature(self.checkConfig).parameters.values())[2:3]
        return any(
            one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and one.name != "build_wait_timeout"
            for one in third
        )

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any = None,
        build_wait_timeout: float = 60 * 10,
        start_missing_on_startup: bool = True,
        master_protocol: str = "pb",
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        if kwargs.get("missing_timeout") is None:
            kwargs["missing_timeout"] = DEFAULT_MISSING_TIMEOUT
        super().checkConfig(name, password, **kwargs)
        self.instance = None
        self.instance_labels = {}
        self.instance_identity = []
        self.build_wait_timeout = build_wait_timeout
        check_constant(f'worker "{name}"', "build_wait_timeout", build_wait_timeout, ANY_SECONDS)
        self.start_missing_on_startup = start_missing_on_startup
        self.master_protocol = master_protocol
        if master_protocol not in WORKER_PROTOCOLS:
            error(
                f'worker "{name}": master_protocol must be one of {", ".join(WORKER_PROTOCOLS)}, '
                f"not {master_protocol!r}"
            )

    def start_instance(self, build: Any) -> Any:
        """Start the machine for a build, of which properties can be rendered.

        Return True or None, or short strings that identify the machine, for the master's log. To
        return False, or to raise LatentWorkerFailedToSubstantiate (or anything else), lets the
        build be tried elsewhere, and gives this worker no builds for a while; raise
        LatentWorkerCannotSubstantiate if no worker of this kind can run the build: it ends as an
        exception.
        """
        if self.machine_name is None:
            raise NotImplementedError(f"{type(self).__name__} has no method start_instance")
        return settled(True)  # Its worker connects when the machine is awake.

    def stop_instance(self, fast: bool = False) -> Any:
        """Stop the machine, whatever its state; with *fast* return as soon as is safe.

        It is called after a failed start as well, and for what a killed master has left
        (`restore_instance`); the machine may be gone already. If it raises an exception,
        it is called again. What it returns is not used.
        """
        if self.machine_name is None:
            raise NotImplementedError(f"{type(self).__name__} has no method stop_instance")
        return settled(None)

    async def record_instance(self, value: object) -> None:
        """Record durably what is needed to stop the machine: plain data, as soon as it is known.

        ``start_instance`` calls it between creating something and what follows. Without a call,
        plain data in ``self.instance`` is recorded when ``start_instance`` has returned.
        """
        await self._keep(value)

    def restore_instance(self, value: Any) -> Any:
        """Take over a machine that the master has left when it was killed: `stop_instance` follows.

        *value* is what was recorded, and becomes ``self.instance``. It is None if the master was
        killed while the machine was started: there may be one with ``self.instance_name``.
        """
        self.instance = value

    def find_instances(self) -> Any:
        """Return pairs of name and value of all machines that are labelled with
        ``self.fleet_label``; None, the default, if they cannot be listed.

        What belongs to no worker is given to `stop_found_instance`.
        """
        return settled(None)

    def stop_found_instance(self, value: Any) -> Any:
        """Stop a machine that `find_instances` has returned."""
        raise NotImplementedError(f"{type(self).__name__} has no method stop_found_instance")

    def instance_place(self) -> str:
        """Return where machines are started: workers of equal places find the same ones."""
        return type(self).__name__

    def check_instance(self) -> Any:
        """Return whether the machine is well while its worker must connect, and a message.

        ``(False, "out of memory")`` gives the machine up. The message of one that is well says what
        it waits for: `chargehand why` shows it, and so does a timeout. An exception means that it
        is not well.
        """
        return settled((True, ""))

    def isCompatibleWithBuild(self, build_props: Any) -> Any:
        """Return whether the machine that runs is fit for a build with these properties.

        It is asked if `builds_may_be_incompatible`. A machine that is not fit is stopped, and
        restarted for the build, once nothing else runs on it.
        """
        return settled(True)

    def getRandomPass(self) -> str:
        """Return a new password, which the machine gets when it starts."""
        letters = string.ascii_letters + string.digits
        return "".join(secrets.choice(letters) for _ in range(_LENGTH_OF_PASSWORDS))

    def failed_to_start(self, instance_id: str, instance_state: str) -> NoReturn:
        """Raise LatentWorkerFailedToSubstantiate: a machine came into a state that it must not."""
        raise LatentWorkerFailedToSubstantiate(
            f"instance {instance_id} is {instance_state} instead of running"
        )

    def worker_environment(self, masterFQDN: str | None = None) -> dict[str, str]:
        """Return the environment variables that tell the machine's worker how to connect.

        They are BUILDMASTER, BUILDMASTER_PORT, BUILDMASTER_PROTOCOL, WORKERNAME and WORKERPASS.
        *masterFQDN* is the master's address as the machine knows it, ``HOST`` or ``HOST:PORT``; by
        default the name of the master's host.
        """
        host, _, port = (masterFQDN or socket.getfqdn()).partition(":")
        number = port or self.master.access.engine.ports.port_of(self.master_protocol)
        found = {
            "BUILDMASTER": host,
            "BUILDMASTER_PORT": str(number or ""),
            "BUILDMASTER_PROTOCOL": self.master_protocol,
            "WORKERNAME": self.name,
            "WORKERPASS": self.worker_password or "",
        }
        return {name: value for name, value in found.items() if value}

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

    async def _take_password(self) -> None:
        """Choose the password of the machine that is about to be started."""
        if self.password is None:
            self.worker_password = self.getRandomPass()
        else:
            self.worker_password = await self._current_password()

    def _password_or_function(self) -> object:
        return super()._password_or_function() if self._kind == "local" else self._current_password

    async def _current_password(self) -> str | None:
        if self.password is None:
            return self.worker_password
        return self.password if isinstance(self.password, str) else await self._rendered_password()

    @property
    def _can_find_instances(self) -> bool:
        return type(self).find_instances is not AbstractLatentWorker.find_instances

    def _as_worker_config(self) -> WorkerConfig:
        return replace(super()._as_worker_config(), instance=Machine(self))

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "build_wait_timeout": self.build_wait_timeout}
