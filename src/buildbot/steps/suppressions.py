"""Which warnings do not count, as a file on the worker says.

Anyone who may commit can write that file, so its patterns are never matched in the master's
process: one that never ends would stop the whole master.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from chargehand.kit.limits import time_limit

_PROCESS = str(Path(__file__).with_name("suppression_process.py"))
_SECONDS = 20.0
_LINES = re.compile(r"\s*([0-9]+)(?:-([0-9]+))?\s*")
_LONGEST_ANSWER = 64 * 1024 * 1024


class FileSuppression(NamedTuple):
    """A line of a suppression file: patterns of the file and of the text, and a range of lines."""

    file: str
    text: str
    first: int | None
    last: int | None


class SuppressionFailed(Exception):
    """A suppression file cannot be obeyed; the message names the pattern."""


def suppressions_in(content: str) -> list[FileSuppression]:
    """Return the suppressions of a file: ``FILE : TEXT [: LINE[-LINE]]`` on each line; empty lines
    and comments (#) are skipped."""
    found = (_suppression_in(line.strip()) for line in content.splitlines())
    return [one for one in found if one is not None]


def _suppression_in(line: str) -> FileSuppression | None:
    if not line or line.startswith("#"):
        return None
    file, colon, rest = line[1:].partition(":")
    file, rest = (line[0] + file).strip(), rest.strip()
    if not colon or not rest:
        return None
    text, colon, lines = rest.rpartition(":")
    numbers = _LINES.fullmatch(lines) if colon and text.strip() else None
    if numbers is None:
        return FileSuppression(file, rest, None, None)
    first = int(numbers[1])
    return FileSuppression(file, text.strip(), first, int(numbers[2] or first))


async def left_out(
    suppressions: Sequence[FileSuppression], warnings: Sequence[Any], *, seconds: float = _SECONDS
) -> frozenset[int]:
    """Return the indexes of the warnings, (file, line, text), that do not count.

    Raises SuppressionFailed for a pattern that is invalid or takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        _PROCESS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_ANSWER,
    )
    tried = _Tried(suppressions)
    try:
        async with time_limit(seconds):
            return await _answer(process, tried, warnings)
    except TimeoutError:
        raise SuppressionFailed(
            f"the pattern of suppression {tried} takes more than {seconds:g} s to match"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _Tried:
    """The suppression that is tried."""

    def __init__(self, suppressions: Sequence[FileSuppression]) -> None:
        self.suppressions = suppressions
        self.number = 0

    def __str__(self) -> str:
        one = self.suppressions[self.number]
        return f'"{one.file} : {one.text}"'


async def _answer(
    process: asyncio.subprocess.Process, tried: _Tried, warnings: Sequence[Any]
) -> frozenset[int]:
    assert process.stdin is not None
    assert process.stdout is not None
    question = {"suppressions": tried.suppressions, "warnings": warnings}
    process.stdin.write(json.dumps(question).encode() + b"\n")
    with suppress(ConnectionError):
        await process.stdin.drain()
    async for line in process.stdout:
        said = json.loads(line)
        if "left_out" in said:
            return frozenset(said["left_out"])
        if "wrong" in said:
            raise SuppressionFailed(
                f"the pattern of suppression {tried} is invalid: {said['wrong']}"
            )
        tried.number = said["tries"]
    raise SuppressionFailed(f"the pattern of suppression {tried} takes too much memory or time")
