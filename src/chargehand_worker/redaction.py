"""Hiding secrets in what a command writes, before it leaves the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chargehand_worker.system_text import bytes_of


class Redactor:
    """Replaces each secret by what may be shown instead; a secret of many lines line by line.

    Secrets that overlap are hidden together, so that nothing is left of the second one.
    """

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        found: dict[bytes, bytes] = {}
        for secret, shown in secrets:
            instead = bytes_of(" ".join(shown.splitlines()))
            for line in bytes_of(secret).splitlines():
                if line.strip():
                    found.setdefault(line, instead)
        # Longest first: of two that begin at one place it is the longer one that is shown.
        self._secrets = sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.overlap = max((len(line) - 1 for line in found), default=0)
        """Of how many bytes behind a place one has to know whether a secret ends there."""

    def redacted(self, text: bytes) -> bytes:
        """Return whole lines, without the letters of their channels, without secrets."""
        places = self._places(text)
        if not places:
            return text
        pieces: list[bytes] = []
        at = 0
        for begin, end, shown in places:
            pieces += (text[at:begin], shown)
            at = end
        return b"".join((*pieces, text[at:]))

    def words(self, text: str) -> str:
        """Return a sentence without secrets."""
        return self.redacted(bytes_of(text)).decode("utf-8", "surrogateescape")

    def border(self, text: bytes, place: int) -> int:
        """Return where a line may be split: at *place*, or before, so that no secret is split."""
        border = place
        while border > place // 2:  # A chain of secrets that long is hidden on both sides.
            start = max(border - self.overlap, 0)
            begins = [
                start + at
                for secret, _ in self._secrets
                for at in _found(secret, text[start : border + self.overlap])
                if start + at < border < start + at + len(secret)
            ]
            if not begins:
                return border
            border = min(begins)
        return border or place

    def _places(self, text: bytes) -> list[tuple[int, int, bytes]]:
        """Return where there are secrets: where they begin and end, and what to show instead."""
        found = [
            (at, at + len(secret), shown)
            for secret, shown in self._secrets
            for at in _found(secret, text)
        ]
        found.sort(key=lambda place: (place[0], -place[1]))
        merged: list[tuple[int, int, bytes]] = []
        for begin, end, shown in found:
            if merged and begin < merged[-1][1]:
                first = merged[-1]
                merged[-1] = (first[0], max(first[1], end), first[2])
            else:
                merged.append((begin, end, shown))
        return merged


def _found(secret: bytes, text: bytes) -> Iterator[int]:
    at = text.find(secret)
    while at >= 0:
        yield at
        at = text.find(secret, at + 1)
