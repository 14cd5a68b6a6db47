"""A machine that commands wake and put to sleep."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward
from buildbot._border.comparison import ComparableMixin
from buildbot._border.rendering import render_value
from buildbot.interfaces import IMachineAction, implementer
from buildbot.machine.latent import AbstractLatentMachine
from buildbot.process.properties import Properties

_log = logging.getLogger(__name__)

_MOST_OF_OUTPUT = 2000
_LONGEST_LINE = 200
"""Of the last line of output, which often says what is wrong."""


class GenericLatentMachine(AbstractLatentMachine):
    """A machine that is woken by one action and put to sleep by another.

    Args:
        start_action (Any): What wakes it, such as LocalWOLAction.
        stop_action (Any): What puts it to sleep, such as RemoteSshSuspendAction.
    """

    @own_arguments
    def checkConfig(self, name: str, start_action: Any, stop_action: Any, **kwargs: Any) -> Any:
        """Check the arguments, and keep them."""
        self.start_action = start_action
        self.stop_action = stop_action
        return super().checkConfig(name, **kwargs)

    async def start_machine(self) -> bool:
        """Perform the first action."""
        self._failure = await _failure(self.start_action, self, "start_action")
        return not self._failure

    async def stop_machine(self) -> None:
        """Perform the second. Raises OSError if it fails."""
        if failure := await _failure(self.stop_action, self, "stop_action"):
            raise OSError(failure)


async def _failure(action: Any, machine: Any, name: str) -> str:
    """Perform an action; return why it has failed, or nothing."""
    if isinstance(action, _Action) and type(action).perform is _Action.perform:
        words = await action.failure(machine)
        return f"its {name}: {words}" if words else ""
    return "" if await inward(action.perform, machine) else f"its {name} has failed"


class _Action(ComparableMixin):
    """Runs a command on the master's machine."""

    async def perform(self, manager: Any) -> bool:
        """Run it, and return whether it has succeeded."""
        return not await self.failure(manager)

    async def failure(self, manager: Any) -> str:
        """Run it, and return why it has failed; nothing if it has not."""
        properties = Properties()
        properties.master = manager.master
        with ExitStack() as files:
            command = [str(word) for word in await self._command(properties, files)]
            return await _run(command)

    async def _command(self, properties: Any, files: ExitStack) -> Sequence[Any]:
        raise NotImplementedError


@implementer(IMachineAction)
class LocalWakeAction(_Action):
    """Runs a command on the master's machine.

    Args:
        command (list[str], renderable): The command.
    """

    compare_attrs = ("command",)

    def __init__(self, command: Any) -> None:
        self.command = command

    async def _command(self, properties: Any, files: ExitStack) -> Sequence[Any]:
        found: Sequence[Any] = await render_value(self.command, properties)
        return found


class LocalWOLAction(LocalWakeAction):
    """Sends a wake-on-LAN packet from the master's machine.

    Args:
        wakeMac (str, renderable): The address of the network card.
        wolBin (str, renderable): The program that sends it.
    """

    def __init__(self, wakeMac: Any, wolBin: Any = "wakeonlan") -> None:
        super().__init__([wolBin, wakeMac])


@implementer(IMachineAction)
class RemoteSshWakeAction(_Action):
    """Runs a command on another machine, over ssh.

    Args:
        host (str, renderable): The machine: HOST or USER@HOST.
        command (list[str], renderable): The command.
        sshBin (str): The program ssh.
        sshKey (str | None, renderable): A private key.
        sshHostKey (str | None, renderable): The public key of the host.
    """

    compare_attrs = ("host", "command", "ssh", "key", "host_key")

    def __init__(
        self,
        host: Any,
        command: Any,
        sshBin: str = "ssh",
        sshKey: Any = None,
        sshHostKey: Any = None,
    ) -> None:
        self.host = host
        self.command = command
        self.ssh = sshBin
        self.key = sshKey
        self.host_key = sshHostKey

    async def _command(self, properties: Any, files: ExitStack) -> Sequence[Any]:
        host = str(await render_value(self.host, properties))
        options = ["-o", "BatchMode=yes"]
        if self.key is not None:
            key = str(await render_value(self.key, properties))
            options += ["-i", _written(files, key.rstrip("\n") + "\n")]
        if self.host_key is not None:
            host_key = str(await render_value(self.host_key, properties)).strip()
            known = f"{host.rpartition('@')[2]} {host_key}\n"
            options += ["-o", f"UserKnownHostsFile={_written(files, known)}"]
        return [self.ssh, *options, host, *await render_value(self.command, properties)]


class RemoteSshWOLAction(RemoteSshWakeAction):
    """Sends a wake-on-LAN packet from another machine, over ssh.

    Args:
        host (str, renderable): The machine that sends it.
        wakeMac (str, renderable): The address of the network card.
        wolBin (str, renderable): The program that sends it.
        sshBin (str): The program ssh.
        sshKey (str | None, renderable): A private key.
        sshHostKey (str | None, renderable): The public key of the host.
    """

    def __init__(
        self,
        host: Any,
        wakeMac: Any,
        wolBin: Any = "wakeonlan",
        sshBin: str = "ssh",
        sshKey: Any = None,
        sshHostKey: Any = None,
    ) -> None:
        super().__init__(host, [wolBin, wakeMac], sshBin, sshKey, sshHostKey)


class RemoteSshSuspendAction(RemoteSshWakeAction):
    """Suspends another machine, over ssh.

    Args:
        host (str, renderable): The machine.
        remoteCommand (list[str] | None, renderable): What suspends it; systemctl suspend.
        sshBin (str): The program ssh.
        sshKey (str | None, renderable): A private key.
        sshHostKey (str | None, renderable): The public key of the host.
    """

    def __init__(
        self,
        host: Any,
        remoteCommand: Any = None,
        sshBin: str = "ssh",
        sshKey: Any = None,
        sshHostKey: Any = None,
    ) -> None:
        command = ["systemctl", "suspend"] if remoteCommand is None else remoteCommand
        super().__init__(host, command, sshBin, sshKey, sshHostKey)


def _written(files: ExitStack, text: str) -> str:
    """Write a file that only we can read, for as long as *files* are needed."""
    directory = files.enter_context(tempfile.TemporaryDirectory(prefix="chargehand-ssh-"))
    path = Path(directory) / "key"
    path.touch(mode=0o600)
    path.write_text(text)
    return os.fspath(path)


async def _run(command: Sequence[str]) -> str:
    """Run a command; log and return why it has failed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        _log.error("cannot run %s: %s", command[0], error)
        return f"cannot run {command[0]}: {error.strerror or error}"
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if not process.returncode:
        return ""
    told = output.decode(errors="replace")[-_MOST_OF_OUTPUT:]
    ending = _ending(process.returncode or 0)
    _log.error("%s %s: %s", command[0], ending, told)
    *_, last = ["", *(line.strip() for line in told.splitlines() if line.strip())]
    return f"{command[0]} {ending}" + (f": {last[-_LONGEST_LINE:]}" if last else "")


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
