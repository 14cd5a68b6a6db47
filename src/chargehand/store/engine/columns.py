"""Column types, and the encoding of values without a column type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Dialect, Double, Integer, LargeBinary, String, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine

from chargehand.domain.properties import Property

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()
DAMAGED = "(damaged: run chargehand check-database)"
"""Shown in place of an unreadable value."""
_properties = msgspec.json.Decoder(dict[str, Property])
_secrets = msgspec.json.Decoder(dict[str, str])


def clean(text: str) -> str:
    """Return *text* without NUL and lone surrogates, which databases reject."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _clean_or_none(text: str | None) -> str | None:
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return clean(text)


class _LongText(Text):
    """A text of any length; MariaDB's own type would import everything for MariaDB."""


class _LongBlob(LargeBinary):
    """Bytes of any length."""


@compiles(_LongText, "mysql", "mariadb")
def _long_text(_type: _LongText, _compiler: object, **_options: object) -> str:
    return "LONGTEXT"


@compiles(_LongBlob, "mysql", "mariadb")
def _long_blob(_type: _LongBlob, _compiler: object, **_options: object) -> str:
    return "LONGBLOB"


class CleanText(TypeDecorator[str]):
    """Text from outside, cleaned before storing, so that no commit message fails a transaction."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Choose a type without a small limit where the database has one."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(_LongText())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean a value before storing."""
        return _clean_or_none(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        """Clean a value before storing: no database wants more of a text to be done."""
        return _clean_or_none


Id = BigInteger().with_variant(Integer(), "sqlite")
Time: Double[float] = Double()
Name = Text().with_variant(String(255), "mysql", "mariadb")
"""Text that is part of a unique key."""
Json = Text().with_variant(_LongText(), "mysql", "mariadb")
"""JSON as text: it is read and written as a whole, so the database need not understand it."""
Blob = LargeBinary().with_variant(_LongBlob(), "mysql", "mariadb")


def as_json(value: object) -> str:
    """Return *value* as JSON text. Raises TypeError for values without a JSON form."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(value)).decode()


def all_as_json(values: Iterable[object]) -> list[str]:
    """Return the values as JSON texts. Raises TypeError for values without a JSON form."""
    return list(map(bytes.decode, map(_encoder.encode, values)))


def of_json(text: str | bytes) -> Any:
    """Return the value of a JSON text."""
    return _decoder.decode(text)


def shown_of_json(text: str | bytes) -> Any:
    """Return the value of a JSON text, or a note that it is damaged."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return DAMAGED


def shown_properties_of_json(text: str | None) -> dict[str, Property]:
    """Return the properties written with `as_json`, or one that says "damaged"."""
    try:
        return properties_of_json(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        return {"damaged": (DAMAGED, "Damaged")}


def properties_of_json(text: str | None) -> dict[str, Property]:
    """Return the properties that were written with `as_json`."""
    return _properties.decode(text) if text else {}


def secrets_of_json(text: str | None) -> dict[str, str]:
    """Return a buildset's secrets. Damaged ones are none: its builds then find no others to hide
    than their own."""
    try:
        return _secrets.decode(text) if text else {}
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        return {}


def ids_as_json(ids: Iterable[int | None]) -> str:
    """Return identifiers as the parameter of `chargehand.store.engine.portable.is_among`."""
    return _encoder.encode([id_ for id_ in ids if id_ is not None]).decode()


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item) for item in value]
    return value
