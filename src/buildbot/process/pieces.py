"""Contents of files on their way to the worker: in one piece, or in several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PIECE = 2 * 1024 * 1024
"""How much of a file goes with one order, in bytes."""


def pieces(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield what each ``downloadFile`` says of the content; a short one goes with one order."""
    if len(content) <= PIECE:
        yield {"content": content}
        return
    for offset in range(0, len(content), PIECE):
        end = offset + PIECE
        yield {"content": content[offset:end], "offset": offset, "more": end < len(content)}
