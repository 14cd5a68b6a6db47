"""A master that lives is never taken for silent; one that died is, before long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.identifiers import MasterId
from chargehand.domain.ownership import SignOfLife
from chargehand.execution.silence import SilentMasters

_OTHER = MasterId(2)
_HEARTBEAT = 60.0
_DEAD_AFTER = 600.0

_round = st.tuples(
    st.just(0.0) | st.floats(0, 1e5),  # an outage that both see
    st.just(0.0) | st.floats(-1e9, 1e9),  # the observer's clock is set
    st.just(0.0) | st.floats(-1e9, 1e9),  # the other's clock is set
    st.floats(0.0, 1.0),  # where in the observer's round the other's heartbeat is
)


@given(rounds=st.lists(_round, max_size=40))
def test_who_lives_is_not_silent_whatever_clocks_and_outages_do(
    rounds: list[tuple[float, float, float, float]],
) -> None:
    watch = SilentMasters(heartbeat=_HEARTBEAT, dead_after=_DEAD_AFTER)
    elapsed, shift, others_shift = 0.0, 0.0, 0.0
    for number, (outage, jump, others_jump, share) in enumerate(rounds):
        shift += jump
        others_shift += others_jump
        # During an outage neither of them writes or reads; the other may come back last.
        last = elapsed - share * _HEARTBEAT
        sign = SignOfLife(number, 1e9 + last + others_shift)
        found = watch.look({_OTHER: sign}, elapsed=elapsed, now=1e9 + elapsed + shift)
        assert found == {}
        elapsed += _HEARTBEAT + outage
        found = watch.look({_OTHER: sign}, elapsed=elapsed, now=1e9 + elapsed + shift)
        assert found == {}
        elapsed += _HEARTBEAT


@given(ahead=st.floats(-1e9, 1e9))
def test_who_died_is_silent_before_long_whatever_its_clock_said(ahead: float) -> None:
    watch = SilentMasters(heartbeat=_HEARTBEAT, dead_after=_DEAD_AFTER)
    sign = SignOfLife(1, 1e9 + ahead)
    looks = [n * _HEARTBEAT for n in range(12)]

    found = [watch.look({_OTHER: sign}, elapsed=n, now=1e9 + n) for n in looks]

    assert not any(found[:3])
    assert found[-1] == {_OTHER: sign}


def test_with_right_clocks_a_dead_master_is_silent_after_three_heartbeats_of_watching() -> None:
    watch = SilentMasters(heartbeat=_HEARTBEAT, dead_after=_DEAD_AFTER)
    sign = SignOfLife(1, 0.0)

    found = [bool(watch.look({_OTHER: sign}, elapsed=n * 60.0, now=1e9)) for n in range(5)]

    assert found == [False, False, False, True, True]
