"""What is shown in lists has a bounded length and real characters only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.sentence import LONGEST, sentence


@given(st.text(st.characters(exclude_categories=())) | st.just("x" * 200_000))
def test_any_text_becomes_one_that_can_be_kept_and_shown(text: str) -> None:
    shown = sentence(text)

    assert len(shown) <= LONGEST
    assert "\0" not in shown
    shown.encode()


@given(st.text(max_size=LONGEST).filter(lambda text: "\0" not in text))
def test_an_ordinary_sentence_stays_as_it_is(text: str) -> None:
    assert sentence(text) == text


def test_a_long_one_keeps_its_beginning_and_its_end() -> None:
    shown = sentence(f"failed 'true {'x' * 200_000}' (failure)")

    assert shown.startswith("failed 'true xxx")
    assert shown.endswith("xxx' (failure)")
