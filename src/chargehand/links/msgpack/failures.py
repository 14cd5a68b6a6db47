"""Why a worker's command failed: over MessagePack workers send Twisted's text of a failure."""

from __future__ import annotations

import re

_FAILURE = re.compile(
    r"\[Failure instance: Traceback[^:]*: <class '(?:[\w.]+\.)?(\w+)'>: (.*?)\n", re.DOTALL
)


def in_short(text: str) -> str:
    """Return the text of a failure as ``ValueError: first line``; other texts as they are."""
    found = _FAILURE.match(text)
    return text if found is None else ": ".join(filter(None, found.groups()))
