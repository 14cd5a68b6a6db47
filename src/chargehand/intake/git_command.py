"""Runs git: without a shell or terminal, with a timeout, and without leftover processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from chargehand.intake.polling import PollFailed
from chargehand.kit.limits import time_limit

_NOT_OURS = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_WORK_TREE",
    "SSH_ASKPASS",
)
"""Variables set in git hooks, or that make git prompt for input."""

PATIENT_SSH = (
    "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
)
"""Never prompts, and detects a hanging server."""

_CREDENTIALS = re.compile(r"://[^/\s]*@")


class GitFailed(PollFailed):
    """A git command failed; the message has the command and git's error."""


class GitRefused(GitFailed):
    """Git ran and reported an error."""


class GitCommand:
    """Runs git, with at most ``slots`` commands at a time."""

    def __init__(
        self, *, binary: str = "git", slots: asyncio.Semaphore, grace: float = 3.0
    ) -> None:
        self._binary = binary
        self._slots = slots
        self._grace = grace

    async def run(
        self,
        verb: str,
        *arguments: str,
        directory: Path,
        timeout: float,
        configuration: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        standard_input: bytes = b"",
    ) -> bytes:
        """Run git and return its standard output. Raises GitFailed."""
        options = (option for setting in configuration for option in ("-c", setting))
        async with self._slots:
            process = await self._start((*options, verb, *arguments), directory, environment)
            output, errors = await self._outcome(process, verb, timeout, standard_input)
        if process.returncode:
            raise GitRefused(f"git {verb} failed: {_complaint(errors, process.returncode)}")
        return output

    async def _outcome(
        self, process: asyncio.subprocess.Process, verb: str, timeout: float, standard_input: bytes
    ) -> tuple[bytes, bytes]:
        ended = False
        try:
            async with time_limit(timeout):
                outcome = await process.communicate(standard_input)
            ended = True
        except TimeoutError:
            raise GitFailed(f"git {verb} timed out after {timeout:g} seconds") from None
        finally:
            if not ended:
                await _end(process, self._grace)
        return outcome

    async def _start(
        self, arguments: tuple[str, ...], directory: Path, environment: Mapping[str, str] | None
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._binary,
                *arguments,
                cwd=directory,
                env=_environment(environment or {}),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            missing = error.filename or self._binary
            raise GitFailed(f"cannot run git: {missing} not found") from error
        except OSError as error:
            raise GitFailed(f"cannot run {self._binary}: {error.strerror}") from error


def _environment(additions: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    defaults = {
        "GIT_SSH_COMMAND": inherited.get("GIT_SSH_COMMAND", PATIENT_SSH),
        "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
        "GIT_HTTP_LOW_SPEED_TIME": "60",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return inherited | defaults | dict(additions)


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    """End git and all processes it started (ssh and others), which share a session.

    Terminate first: a killed git leaves its lock files behind.
    """
    _signal(process, signal.SIGTERM)
    try:
        async with time_limit(grace):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _complaint(errors: bytes, status: int) -> str:
    """Return git's error messages on one line."""
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ssh:"))]
    words = "; ".join((telling or [line for line in lines if line])[:3])
    return _CREDENTIALS.sub("://***@", words) or f"exit status {status}"
