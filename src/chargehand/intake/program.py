"""Runs a version control system: without a shell or terminal, with a timeout, and without leftover
processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from chargehand.intake.polling import PollFailed
from chargehand.kit.limits import time_limit

_CREDENTIALS = re.compile(r"://[^/\s]*@")


class ProgramFailed(PollFailed):
    """A program could not be run or timed out; the message says so."""


class Outcome(msgspec.Struct, frozen=True):
    """How a program ended, and what it wrote."""

    status: int
    output: bytes
    errors: bytes

    def complaint(self, telling: tuple[str, ...]) -> str:
        """Return its error messages on one line, those that begin in a *telling* way if any do.

        Without the credentials in addresses.
        """
        lines = [line.strip() for line in self.errors.decode("utf-8", "replace").splitlines()]
        chosen = [line for line in lines if line.startswith(telling)]
        words = "; ".join((chosen or [line for line in lines if line])[:3])
        return _CREDENTIALS.sub("://***@", words) or f"exit status {self.status}"


class Program:
    """Runs a program, with at most ``slots`` processes at a time.

    *title* is what messages call it.
    """

    def __init__(
        self, *, title: str, binary: str, slots: asyncio.Semaphore, grace: float = 3.0
    ) -> None:
        self._title = title
        self._binary = binary
        self._slots = slots
        self._grace = grace

    async def run(
        self,
        arguments: Sequence[str],
        *,
        verb: str,
        directory: Path,
        timeout: float,
        environment: Mapping[str, str],
        standard_input: bytes = b"",
    ) -> Outcome:
        """Run it to its end. Raises ProgramFailed."""
        async with self._slots:
            process = await self._start(arguments, directory, environment)
            output, errors = await self._outcome(process, verb, timeout, standard_input)
        return Outcome(process.returncode or 0, output, errors)

    async def _outcome(
        self, process: asyncio.subprocess.Process, verb: str, timeout: float, standard_input: bytes
    ) -> tuple[bytes, bytes]:
        ended = False
        try:
            async with time_limit(timeout):
                outcome = await process.communicate(standard_input)
            ended = True
        except TimeoutError:
            raise ProgramFailed(
                f"{self._title} {verb} timed out after {timeout:g} seconds"
            ) from None
        finally:
            if not ended:
                await _end(process, self._grace)
        return outcome

    async def _start(
        self, arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._binary,
                *arguments,
                cwd=directory,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            missing = error.filename or self._binary
            raise ProgramFailed(f"cannot run {self._title}: {missing} not found") from error
        except OSError as error:
            raise ProgramFailed(f"cannot run {self._binary}: {error.strerror}") from error


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    """End a program and all processes it started (ssh and others), which share a session.

    Terminate first: a killed git or svn leaves its lock files behind.
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
