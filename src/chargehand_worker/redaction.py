"""Hiding secrets in what a command writes, before it leaves the machine."""

from __future__ import annotations

from collections.abc import Iterable

from chargehand_worker.system_text import bytes_of


class Redactor:
    """Replaces each secret by what may be shown instead; a secret of many lines line by line."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        found: dict[bytes, bytes] = {}
        for secret, shown in secrets:
            instead = bytes_of(" ".join(shown.splitlines()))
            for line in bytes_of(secret).splitlines():
                if line.strip():
                    found[line] = instead
        # Longest first: a secret may be part of another.
        self._secrets = sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True)

    def redacted(self, text: bytes) -> bytes:
        """Return whole lines without secrets."""
        for secret, shown in self._secrets:
            text = text.replace(secret, shown)
        return text
