"""The answer to somebody at a port of workers who is no worker."""

from __future__ import annotations

from aiohttp import web


class TurnedAway(web.Response):
    """Closes a connection; *reason* is what the log says of it."""

    def __init__(self, status: int, text: str, *, reason: str) -> None:
        headers = {"WWW-Authenticate": 'Basic realm="workers"'} if status == 401 else {}
        super().__init__(status=status, text=text, headers=headers)
        self.why = reason
