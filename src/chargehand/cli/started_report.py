"""What a master that has started reports to the command that waits for it, over a pipe."""

from __future__ import annotations

from typing import Self

import msgspec

_READY = "ready\n"


class StartedReport(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of a running master, and what is wrong with its configuration."""

    urls: str
    """Where the web server listens, for people; "" if it does not."""
    warnings: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """A sentence for each part that could not be started."""

    def __str__(self) -> str:
        return _READY + msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the report; None if *text* says why the master could not start."""
        if not text.startswith(_READY):
            return None
        return msgspec.json.decode(text.removeprefix(_READY), type=cls)
