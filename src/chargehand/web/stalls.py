"""For how long clients have not read what waits for them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Client = TypeVar("Client", bound=Hashable)


class Stalls(Generic[Client]):
    """Compares how many bytes wait for each client with how many waited at the last look.

    A client that reads slowly sees its buffer filled again and again, so that it may never again
    be as empty as it once was: what counts is whether it was emptied since the last look.
    """

    def __init__(self) -> None:
        self._seen: dict[Client, tuple[int, float]] = {}
        """Bytes that waited at the last look, and since when the number has not fallen."""

    def look(self, client: Client, waiting: int, now: float) -> float:
        """Note how many bytes wait for the client; return for how many seconds it has not read."""
        if not waiting:
            self.forget(client)
            return 0.0
        before, since = self._seen.get(client, (waiting + 1, now))
        if waiting < before:
            since = now
        self._seen[client] = (waiting, since)
        return now - since

    def forget(self, client: Client) -> None:
        """Forget a client that has gone."""
        self._seen.pop(client, None)
