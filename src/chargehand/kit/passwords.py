"""Passwords and tokens in addresses: finding and hiding them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, cast
from urllib.parse import unquote

from chargehand_wire.addresses import (
    HIDDEN,
    IN_JSON,
    IN_TEXT,
    REPLACEMENT,
    is_plain,
    searched,
    without_secrets,
)

T = TypeVar("T")


def without_passwords(text: str) -> str:
    """Return a text with ``***`` for the passwords and tokens in its addresses."""
    return without_secrets(text)


def without_passwords_in_json(text: str) -> str:
    """Return a JSON text with ``***`` for the passwords in addresses in its strings."""
    return text if is_plain(text) else searched(IN_JSON).sub(REPLACEMENT, text)


def body_without_passwords(body: bytes) -> bytes:
    """Return encoded JSON with ``***`` for the passwords in addresses in its strings."""
    if b"=" not in body and (b"://" not in body or b"@" not in body):
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


def secrets_in(address: str) -> Iterator[str]:
    """Return the passwords and tokens in an address, as they are written there and decoded."""
    if is_plain(address):
        return
    for match in searched(IN_TEXT).finditer(address):
        written = match.group()[len("".join(filter(None, match.groups()))) :]
        for part in (written, *written.split(":")) if match.group(1) else (written,):
            if part not in ("", HIDDEN, "x-oauth-basic"):
                yield part
                yield unquote(part)
