"""Numbers of things are told in the singular where there is one."""

import pytest

from chargehand.kit.counted import counted
from chargehand.store.logs.text import missing_text


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 commands"), (1, "1 command"), (2, "2 commands")]
)
def test_one_thing_is_singular(number: int, words: str) -> None:
    assert counted(number, "command") == words


def test_a_missing_line_is_one_line() -> None:
    assert missing_text(1, has_letters=True).startswith(b"h[missing or damaged: 1 line of ")
