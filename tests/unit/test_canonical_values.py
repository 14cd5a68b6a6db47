"""Whatever is accepted as a value can be read back as it is, and sent everywhere."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.dispatch.missed_events import MissedEvents
from chargehand.domain.canonical import (
    NotStorable,
    canonical,
    canonical_properties,
    canonical_text,
)
from chargehand.domain.json import Json
from chargehand.domain.properties import Property
from chargehand.store.engine.columns import as_json, of_json

_characters = st.text(st.characters() | st.sampled_from(["\ud800", "\udfff", "\0", "é", "😀"]))
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**62, 2**66),
    st.floats(),
    _characters,
    st.binary(max_size=4),
    st.builds(object),
)
_keys = st.one_of(_characters, st.integers(), st.booleans(), st.none(), st.floats(), st.binary())
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.frozensets(st.integers() | _characters, max_size=4)
        | st.dictionaries(_keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_values)
def test_a_value_is_refused_or_can_be_read_back_and_sent(value: object) -> None:
    try:
        plain = canonical(value, "property x")
    except NotStorable as error:
        assert str(error).startswith("property x cannot be stored: ")
        return

    assert of_json(as_json(plain)) == plain
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plain)) == plain
    assert "\0" not in str(plain)
    assert canonical(plain, "property x") == plain


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "JSON has no nan"),
        ([math.inf], "JSON has no inf"),
        (2**64, "more than 64 bits"),
        (b"bytes", "JSON has no bytes"),
        ({(1, 2): 3}, "a key must be text, not tuple"),
        (object(), "JSON has no object"),
    ],
)
def test_a_refusal_names_the_property(value: Json, reason: str) -> None:
    with pytest.raises(NotStorable, match=f'property "size" cannot be stored: .*{reason}'):
        canonical_properties({"size": (value, "test")})


@given(st.dictionaries(_characters, st.tuples(_values, _characters), max_size=4))
def test_properties_are_what_each_of_them_is_alone(properties: dict[str, Property]) -> None:
    try:
        alone = {
            canonical_text(name): (canonical(value, "x"), canonical_text(source))
            for name, (value, source) in properties.items()
        }
    except NotStorable:
        with pytest.raises(NotStorable):
            canonical_properties(properties)
        return

    assert canonical_properties(properties) == alone


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(NotStorable, match="contains itself"):
        canonical(endless, "x")


def test_an_event_that_a_handler_fails_on_is_noted_once() -> None:
    missed = MissedEvents()

    def fail(event: int) -> None:
        if event == 2:
            raise ValueError("odd")

    handle = missed.noting(fail)
    handle(1)
    assert not missed.take()
    with pytest.raises(ValueError, match="odd"):
        handle(2)
    handle(3)

    assert missed.take()
    assert not missed.take()
