"""Passwords in addresses, as in ``https://user:password@host``: finding and hiding them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

T = TypeVar("T")

HIDDEN = "***"

_ENDS = r' \t\n\r\f\v/"'
"""Characters of which neither a user nor a password in an address has any."""

_SHOWN_ALREADY = r"(?:<[^<>@ \t\n\r\f\v]*>|\*\*\*)@"

IN_TEXT = (
    rf"(://[^{_ENDS}:]*:)"
    rf"(?!{_SHOWN_ALREADY}[^@{_ENDS}]*(?:[{_ENDS}]|\Z))"
    rf"([^{_ENDS}]+)@"
)
"""The regular expression that finds passwords, as Python and databases understand it alike.

Its first group is what comes before the password. The last "@" ends it, as browsers have it.
"""

_ESCAPE = r'\\[^"/ntrf]'
_END_ESCAPE = r'\\["/ntrf]'

IN_JSON = (
    rf"(://(?:[^{_ENDS}:\\]|{_ESCAPE})*:)"
    rf"(?!{_SHOWN_ALREADY}(?:[^@{_ENDS}\\]|{_ESCAPE})*(?:[{_ENDS}]|{_END_ESCAPE}|\Z))"
    rf"((?:[^{_ENDS}\\]|{_ESCAPE})+)@"
)
"""The same in a JSON text: it finds in the strings there what `IN_TEXT` finds in their values."""

REPLACEMENT = rf"\1{HIDDEN}@"

_in_text = re.compile(IN_TEXT)
_in_json = re.compile(IN_JSON)


def without_passwords(text: str) -> str:
    """Return a text with ``***`` for the passwords in its addresses."""
    if "://" not in text or "@" not in text:
        return text
    return _in_text.sub(REPLACEMENT, text)


def without_passwords_in_json(text: str) -> str:
    """Return a JSON text with ``***`` for the passwords in addresses in its strings."""
    if "://" not in text or "@" not in text:
        return text
    return _in_json.sub(REPLACEMENT, text)


def body_without_passwords(body: bytes) -> bytes:
    """Return encoded JSON with ``***`` for the passwords in addresses in its strings."""
    if b"://" not in body or b"@" not in body:
        return body
    return without_passwords_in_json(body.decode()).encode()


def without_passwords_in(value: T) -> T:
    """Return a value of JSON with ``***`` for the passwords in addresses in all its texts."""
    return cast("T", _without_passwords_in(value))


def _without_passwords_in(value: object) -> object:
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, Mapping):
        return {_without_passwords_in(name): _without_passwords_in(value[name]) for name in value}
    if isinstance(value, list):
        return [_without_passwords_in(item) for item in value]
    if isinstance(value, tuple):
        return tuple([_without_passwords_in(item) for item in value])
    return value


def texts_in(value: object) -> Iterator[str]:
    """Return all texts in a value of JSON, without names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)


def password_of(address: str) -> str | None:
    """Return the password in an address as it is written there, None if there is none."""
    match = _in_text.search(address)
    return None if match is None else match.group(2)


def is_plain(text: str) -> bool:
    """Return whether *text* cannot be, or be shown as, an address with a password.

    Only the same text is shown as such a text.
    """
    return "://" not in text or "@" not in text
