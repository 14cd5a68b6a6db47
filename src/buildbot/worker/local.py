"""Workers on the master's machine, which the master starts: for good, or for builds only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.errors import error, warn
from buildbot._border.numbers import SECONDS, check_constant
from buildbot.worker.base import AbstractWorker
from buildbot.worker.latent import AbstractLatentWorker

DEFAULT_RECONNECT_TIMEOUT = 600.0


class LocalWorker(AbstractWorker):
    """A worker that the master starts as a separate process.

    ``workdir`` is its base directory; by default ``workers/NAME`` in the master's.
    ``reconnect_timeout`` is for how many seconds its commands continue without the master: after a
    lost connection, or when the master was killed. (Chargehand's own.)

    Commands get a clean environment, whatever shell has started the master. ``environment`` adds
    variables to it, with the rules of a step's ``env``. ``inherit_environment`` names variables of
    the master's environment that commands get, too (patterns such as ``JAVA_*`` are allowed), or is
    True for all of them, as with Buildbot. (Both are Chargehand's own.)

    Args:
        workdir (str | None): Its directory; by default workers/NAME in the master's.
        reconnect_timeout (float, seconds): How long its commands continue without the master.
        environment (dict[str, str | list[str] | None] | None): Environment variables for all
            commands, with the rules of a step's env.
        inherit_environment (bool | list[str]): Variables of the master's environment that commands
            get: names, patterns, or True for all.
    """

    _kind = "local"
    workdir: str | None = None
    reconnect_timeout: float = DEFAULT_RECONNECT_TIMEOUT
    environment: dict[str, Any] | None = None
    inherit_environment: bool | list[str] | tuple[str, ...] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(args) > 1 and isinstance(args[1], str) and "/" not in args[1]:
            warn(
                f"worker {self.name!r}: the second argument of LocalWorker is its working "
                f"directory, not a password, which local workers do not have; remove it, or write "
                f"workdir={args[1]!r}"
            )

    @own_arguments
    def checkConfig(
        self,
        name: str,
        workdir: str | None = None,
        reconnect_timeout: float = DEFAULT_RECONNECT_TIMEOUT,
        environment: dict[str, Any] | None = None,
        inherit_environment: bool | list[str] | tuple[str, ...] = False,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them; a password is not needed."""
        kwargs.pop("password", None)
        super().checkConfig(name, None, **kwargs)
        self.workdir = workdir
        self.reconnect_timeout = reconnect_timeout
        check_constant(f'worker "{name}"', "reconnect_timeout", reconnect_timeout, SECONDS)
        self.environment = environment
        self.inherit_environment = inherit_environment
        for problem in _problems_of_variables(environment, inherit_environment):
            error(f"worker {name!r}: {problem}")

    def _settings(self) -> dict[str, Any]:
        return {
            **super()._settings(),
            "workdir": self.workdir,
            "reconnect_timeout": self.reconnect_timeout,
            "environment": self.environment,
            "inherit_environment": self.inherit_environment,
        }


class LocalLatentWorker(LocalWorker, AbstractLatentWorker):
    """A latent worker whose machine is an agent on the master's machine: for tests, and as a
    start for your own latent worker.

    It takes the arguments of `LocalWorker` and of `AbstractLatentWorker`; ``max_builds``,
    ``build_wait_timeout`` (seconds, 600 by default) and ``missing_timeout`` among them.
    """

    async def start_instance(self, build: Any) -> Any:
        """Start the agent; subclasses may do more before and after."""
        await self._connect()
        return True

    async def stop_instance(self, fast: bool = False) -> None:
        """Let the agent end, which it does when this returns; subclasses may do more."""


def _problems_of_variables(environment: object, inherit: object) -> Iterator[str]:
    if environment is not None and not isinstance(environment, dict):
        yield f"environment must be a dictionary, not {environment!r}"
    elif environment:
        for name, value in environment.items():
            values = value if isinstance(value, list | tuple) else [value]
            if not isinstance(name, str) or not name or "=" in name or "\0" in name:
                yield f"environment: {name!r} is not a valid name of a variable"
            elif value is not None and not all(isinstance(one, str) for one in values):
                yield f"environment: {name} must be a string, a list of strings or None"
            elif value is not None and any("\0" in one for one in values):
                yield f"environment: {name} must not contain a zero byte"
    if not isinstance(inherit, bool) and not (
        isinstance(inherit, list | tuple) and all(isinstance(one, str) for one in inherit)
    ):
        yield f"inherit_environment must be True, False or a list of names, not {inherit!r}"
