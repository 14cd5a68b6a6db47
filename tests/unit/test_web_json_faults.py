"""What clients are told about JSON that cannot be decoded."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.web.json_faults import lone_surrogate

_SURROGATES = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF)


@given(before=st.text(), lone=_SURROGATES, after=st.text())
def test_a_lone_surrogate_is_named_wherever_it_is(before: str, lone: str, after: str):
    data = json.dumps({"x": before + lone + after}).encode()

    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(data)

    assert f"lone surrogate \\u{ord(lone):04x} " in (lone_surrogate(data) or "")


@given(text=st.text(), ascii_only=st.booleans())
def test_whole_pairs_and_escaped_backslashes_are_none(text: str, ascii_only: bool):
    data = json.dumps([text, "\\ud800", "\\\\udfff"], ensure_ascii=ascii_only).encode()

    assert lone_surrogate(data) is None
