"""The canonical form of stored values: accepted values are read back unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chargehand.domain.json import Json
from chargehand.domain.properties import Property, PropertyMap

_DEEPEST = 100
"""Maximum nesting of lists and mappings."""
_LEAST, _GREATEST = -(2**63), 2**64 - 1
_TEXT = frozenset({str})


class NotStorable(TypeError):
    """A value has no JSON form; the message names it."""


def canonical(value: object, name: str) -> Json:
    """Return *value* in JSON's form: lists for tuples and sets, string keys, no lone surrogates.

    Raises NotStorable, with the *name* of the value, if it would not be read back unchanged.
    """
    return _canonical(value, name, 0)


def canonical_properties(properties: PropertyMap, kind: str = "property") -> dict[str, Property]:
    """Return properties with canonical names, values and sources. Raises NotStorable."""
    found: dict[str, Property] = {}
    texts: list[str] = []
    for name, (value, source) in properties.items():
        if type(value) is str:
            texts += (name, source, value)
            found[name] = (value, source)
        else:
            texts += (name, source)
            found[name] = (_canonical(value, f'{kind} "{name}"', 0), source)
    if set(map(type, texts)) <= _TEXT and (every := "".join(texts)).isascii() and "\0" not in every:
        return found  # As most are: one look at all texts is enough.
    return _canonical_one_by_one(properties, kind)


def _canonical_one_by_one(properties: PropertyMap, kind: str) -> dict[str, Property]:
    found: dict[str, Property] = {}
    for name, (value, source) in properties.items():
        if not isinstance(name, str):
            raise NotStorable(f"the name of a {kind} must be a string, not {name!r}")
        plain = canonical_text(name)
        if type(value) is str:
            stored: Json = canonical_text(value)
        else:
            stored = _canonical(value, f'{kind} "{plain}"', 0)
        found[plain] = (stored, canonical_text(str(source)))
    return found


def _canonical(value: object, name: str, depth: int) -> Json:
    kind = type(value)
    if value is None or kind is bool:
        return value  # type: ignore[return-value]  # one of the two
    if isinstance(value, str):
        return canonical_text(str(value))
    if isinstance(value, int):
        return _integer(int(value), name)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotStorable(f"{name} cannot be stored: JSON has no {value}")
        return float(value)
    if depth >= _DEEPEST:
        raise NotStorable(f"{name} cannot be stored: it is nested too deeply, or contains itself")
    if isinstance(value, Mapping):
        return {_key(key, name): _canonical(one, name, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one, name, depth + 1) for one in value]
    if isinstance(value, set | frozenset):
        return [_canonical(one, name, depth + 1) for one in sorted(value, key=_order)]
    raise NotStorable(f"{name} cannot be stored: JSON has no {kind.__name__}")


def _order(value: object) -> tuple[str, str]:
    return type(value).__name__, str(value)


def _integer(value: int, name: str) -> int:
    if not _LEAST <= value <= _GREATEST:
        raise NotStorable(f"{name} cannot be stored: the number has more than 64 bits")
    return value


def _key(key: object, name: str) -> str:
    """Return a key as Python's own JSON writes it."""
    if isinstance(key, str):
        return canonical_text(str(key))
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return str(int(key) if isinstance(key, int) else float(key))
    raise NotStorable(f"{name} cannot be stored: a key must be text, not {type(key).__name__}")


def canonical_text(text: str) -> str:
    """Return *text* without what databases refuse: NUL, and surrogates without a partner."""
    if text.isascii() and "\0" not in text:
        return text
    return (
        text.encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
        .replace("\0", "\ufffd")
    )
