"""Runs git."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from chargehand.intake.polling import PollFailed
from chargehand.intake.program import Program, ProgramFailed

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

_TELLING = ("fatal:", "error:", "ssh:")


class GitFailed(PollFailed):
    """A git command failed; the message has the command and git's error."""


class GitRefused(GitFailed):
    """Git ran and reported an error."""


class GitCommand:
    """Runs git, with at most ``slots`` commands at a time."""

    def __init__(
        self, *, binary: str = "git", slots: asyncio.Semaphore, grace: float = 3.0
    ) -> None:
        self._program = Program(title="git", binary=binary, slots=slots, grace=grace)

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
        try:
            ended = await self._program.run(
                (*options, verb, *arguments),
                verb=verb,
                directory=directory,
                timeout=timeout,
                environment=_environment(environment or {}),
                standard_input=standard_input,
            )
        except ProgramFailed as failure:
            raise GitFailed(str(failure)) from failure.__cause__
        if ended.status:
            raise GitRefused(f"git {verb} failed: {ended.complaint(_TELLING)}")
        return ended.output


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
