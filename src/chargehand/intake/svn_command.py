"""Runs svn."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from chargehand.intake.polling import PollFailed
from chargehand.intake.program import Program, ProgramFailed
from chargehand.intake.svn_settings import Login

_PATIENT_SSH = (
    "ssh -q -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 "
    "-o ServerAliveCountMax=4"
)
_ANYWHERE = Path("/")


class SvnFailed(PollFailed):
    """A svn command failed; the message has the command and svn's error."""


class SvnCommand:
    """Runs svn, with at most ``slots`` commands at a time."""

    def __init__(
        self, *, binary: str = "svn", slots: asyncio.Semaphore, more: Sequence[str] = ()
    ) -> None:
        self._program = Program(title="svn", binary=binary, slots=slots)
        self._more = tuple(more)

    async def run(self, verb: str, *arguments: str, login: Login, timeout: float) -> bytes:
        """Run svn and return its standard output: XML. Raises SvnFailed."""
        options = ["--xml", "--non-interactive", "--no-auth-cache", *self._more]
        if login.user is not None:
            options.append(f"--username={login.user}")
        if login.password is not None:
            options.append("--password-from-stdin")
        try:
            ended = await self._program.run(
                (verb, *options, *arguments),
                verb=verb,
                directory=_ANYWHERE,
                timeout=timeout,
                environment={"SVN_SSH": _PATIENT_SSH, **os.environ, "LC_ALL": "C.UTF-8"},
                standard_input=(login.password or "").encode(),
            )
        except ProgramFailed as failure:
            raise SvnFailed(str(failure)) from failure.__cause__
        if ended.status:
            raise SvnFailed(f"svn {verb} failed: {ended.complaint(('svn: ',))}")
        return ended.output
