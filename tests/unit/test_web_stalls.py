"""For how long clients have not read what waits for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chargehand.web.stalls import Stalls

SIZES = st.integers(1, 200_000)


@given(st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=50))
def test_a_slow_reader_whose_buffer_is_filled_again_and_again_has_not_stalled(pairs):
    stalls = Stalls[str]()
    now = 0.0
    for one, other in pairs:
        for waiting in (max(one, other) + 1, min(one, other)):  # each second look sees less
            assert stalls.look("c", waiting, now) <= 5
            now += 5


@given(st.lists(SIZES, min_size=1, max_size=50))
def test_a_client_for_which_ever_more_waits_has_stalled_since_the_first_look(sizes):
    stalls = Stalls[str]()
    for number, waiting in enumerate(sorted(sizes)):
        assert stalls.look("c", waiting, number * 5.0) == number * 5


def test_a_client_that_has_read_all_begins_anew():
    stalls = Stalls[str]()
    stalls.look("c", 9, 0)

    assert stalls.look("c", 9, 50) == 50
    assert stalls.look("c", 0, 60) == 0
    assert stalls.look("c", 9, 70) == 0
