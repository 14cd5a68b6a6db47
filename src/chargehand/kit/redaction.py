"""Taking secrets out of texts: the one place that knows how they may be written."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from chargehand.kit.odd_text import bytes_of
from chargehand.kit.passwords import secrets_in, without_passwords
from chargehand_wire.addresses import HIDDEN, is_plain

SHORTEST = 4
"""A value, or a line of one, with fewer characters is not looked for: it would hide ordinary words
and tell by that what it is."""

T = TypeVar("T")


class Redaction:
    """The secrets that were used so far, each with what is shown instead of it.

    A secret is found as it is, line by line, and as URLs, shells, JSON, HTML and Python write it.
    What a part hides, the whole that it was made from hides as well.
    """

    def __init__(self, whole: Redaction | None = None) -> None:
        self._whole = whole
        self.has_secrets = False
        """Whether there is anything to hide."""
        self._secrets: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        """What each spelling of a secret is replaced by."""
        self._pattern: re.Pattern[str] | None = None

    def part(self) -> Redaction:
        """Return one that knows its own secrets only, and tells this one of them."""
        return Redaction(self)

    @property
    def spellings(self) -> list[tuple[str, str]]:
        """All that is looked for, each with what is shown instead."""
        return list(self._shown.items())

    def hide(self, secret: str, shown: str) -> None:
        """Show *shown* instead of *secret* from now on."""
        if self._whole is not None:
            self._whole.hide(secret, shown)
        self._secrets.setdefault(secret, shown)
        for spelling in _spellings(secret):
            if spelling not in self._shown:
                self._shown[spelling] = shown
                self._pattern = None
                self.has_secrets = True

    def hide_password(self, url: object) -> None:
        """Do not show the passwords and tokens in a URL, wherever they turn up."""
        if isinstance(url, str):
            for secret in secrets_in(url):
                self.hide(secret, HIDDEN)

    def found_in(self, value: object) -> dict[str, str]:
        """Return the secrets that a value of JSON has in its texts, with what to show instead."""
        if not self._shown:
            return {}
        text = json.dumps(value, ensure_ascii=False, default=str)
        if self.secrets_only(text) == text:
            return {}
        return {
            secret: shown
            for secret, shown in self._secrets.items()
            if any(spelling in text for spelling in _spellings(secret))
        }

    def text(self, text: str) -> str:
        """Return a text without secrets, and without passwords in URLs."""
        return without_passwords(self.secrets_only(text))

    def secrets_only(self, text: str) -> str:
        """Return a text without secrets; passwords in URLs stay. Meant for large texts."""
        shown = self._shown
        if not shown:
            return text
        if self._pattern is None:
            # Longest first: a secret may be part of another.
            longest_first = sorted(shown, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern.sub(lambda match: shown[match.group()], text)

    def value(self, value: T) -> T:
        """Return a value of JSON with all texts in it, keys as well, without secrets."""
        if not self._shown and _is_plain_throughout(value):
            return value
        return self._value(value)  # type: ignore[return-value] # texts stay texts, lists lists

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value) if self._shown or not is_plain(value) else value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._shown.get(str(value), value) if self._shown else value
        if isinstance(value, Mapping):
            return {self._value(key): self._value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, tuple):
            return tuple(self._value(item) for item in value)
        return value


def _is_plain_throughout(value: object) -> bool:
    """Return whether surely no text in a value of JSON has a secret of an address.

    Looking at all of them at once takes much less time than at one after the other.
    """
    try:
        return is_plain(msgspec.json.encode(value).decode())
    except (TypeError, ValueError, RecursionError):
        return False


def _spellings(secret: str) -> Iterator[str]:
    """Return everything to look for: the longest are those of the whole value."""
    for part in dict.fromkeys((secret, secret.strip(), *secret.splitlines())):
        for piece in (part, part.strip()):
            if len(piece.strip()) >= SHORTEST:
                yield from filter(None, _written(piece))


def _written(text: str) -> Iterator[str]:
    """Return the ways in which a text is written within others."""
    data = bytes_of(text)
    yield text
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)
    yield re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), quote(data, safe=""))
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")  # as Jinja does
    yield repr(text)[1:-1]
    yield repr(data)[2:-1]
    yield ascii(text)[1:-1]
    yield text.replace("'", "'\"'\"'")
    yield shlex.quote(text).strip("'")
    yield data.decode("utf-8", "replace")
