"""Contents of logs in reports: the ends of them, as a report is no place for gigabytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_LETTERS = 1_000_000
"""How much of the logs of one build a report has."""
_LINES = 1_000
"""How many lines are read at a time."""


async def add_contents(master: Any, steps: Sequence[dict[str, Any]], wanted: Any) -> None:
    """Give the wanted logs of *steps* their ``content``, with as much as there is room for.

    *wanted* is True for all, or names: ``stdio``, or ``compile.stdio`` for that of one step.
    """
    room = MOST_LETTERS
    for step in steps:
        for log in step["logs"]:
            if not _is_wanted(wanted, step["name"], log["name"]):
                continue
            first, text = await _end_of(master, log, room)
            room -= len(text)
            log["content"] = {"logid": log["logid"], "firstline": first, "content": text}


def log_text(log: Mapping[str, Any]) -> str:
    """Return the text of a log that has ``content``, without the letter at the beginning of each
    line that names its stream (``o``, ``e`` or ``h``); "" for a log whose content is not loaded."""
    content = log.get("content", {}).get("content", "")
    if log.get("type") in ("t", "h"):
        return str(content)
    return "\n".join(line[1:] for line in content.split("\n"))


def _is_wanted(wanted: Any, step: str, log: str) -> bool:
    return wanted is True or log in wanted or f"{step}.{log}" in wanted


async def _end_of(master: Any, log: dict[str, Any], room: int) -> tuple[int, str]:
    """Return the number of the first line that is kept, and the text from there to the end."""
    parts: list[str] = []
    first: int = log["num_lines"]
    while first > 0 and room > 0:
        start = max(0, first - _LINES)
        path = ("logs", log["logid"], "contents")
        found = await master.data.get(path, offset=start, limit=first - start)
        text = "" if found is None else str(found["content"])
        if len(text) > room:
            kept = text[-room:].partition("\n")[2]
            parts.append(kept)
            return first - kept.count("\n"), _left_out(first - kept.count("\n"), log, parts)
        parts.append(text)
        room -= len(text)
        first = start
    whole = "".join(reversed(parts))
    return first, whole if first == 0 else _left_out(first, log, parts)


def _left_out(first: int, log: dict[str, Any], parts: list[str]) -> str:
    letter = "h" if log["type"] == "s" else ""
    notice = f"{letter}[the first {first} lines are not in this report; see {log['url']}]\n"
    return notice + "".join(reversed(parts))
