"""Which request supersedes which."""

from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.identifiers import BuilderId, RequestId, SourceStampId
from chargehand.scheduling.superseding import Followed, Line, superseded_by

_LINES = [Line(codebase, "", "", "f") for codebase in ("a", "b")]
_STAMPS = st.dictionaries(st.sampled_from(_LINES), st.integers(1, 4).map(SourceStampId), min_size=1)
_ORDERS = st.fixed_dictionaries(
    {SourceStampId(stamp): st.none() | st.integers(1, 9) for stamp in range(1, 5)}
)


@st.composite
def _followed(draw: st.DrawFn, number: int) -> Followed:
    return Followed(
        request_id=RequestId(number),
        builder_id=BuilderId(draw(st.integers(1, 2))),
        stamps=draw(_STAMPS),
        since=draw(st.integers(0, 9)),
        branch="f",
    )


@given(_followed(1), _followed(2), _ORDERS)
def test_two_requests_never_supersede_each_other_where_all_came_with_changes(one, other, orders):
    known = {stamp: order or stamp for stamp, order in orders.items()}

    assert not (superseded_by(one, other, known) and superseded_by(other, one, known))


@given(_followed(1), _followed(2), _ORDERS)
def test_only_a_newer_change_of_a_common_line_of_the_same_builder_supersedes(new, old, orders):
    if superseded_by(new, old, orders):
        assert new.builder_id == old.builder_id
        common = new.stamps.keys() & old.stamps.keys()
        assert any(
            new.stamps[line] != old.stamps[line] and orders[new.stamps[line]] is not None
            for line in common
        )


def _one(number: int, *, since: int = 0, **stamps: int) -> Followed:
    return Followed(
        request_id=RequestId(number),
        builder_id=BuilderId(1),
        stamps={Line(name, "", "", "f"): SourceStampId(stamp) for name, stamp in stamps.items()},
        since=since,
        branch="f",
    )


def test_what_is_newer_in_one_codebase_and_older_in_another_supersedes_nothing():
    orders = {SourceStampId(stamp): stamp for stamp in range(1, 9)}

    assert superseded_by(_one(2, a=3, b=2), _one(1, a=1, b=2), orders)
    assert not superseded_by(_one(2, a=3, b=1), _one(1, a=1, b=2), orders)


def test_a_forced_build_is_superseded_by_changes_that_came_after_it():
    orders = {SourceStampId(1): None, SourceStampId(2): 5}

    assert superseded_by(_one(2, a=2), _one(1, a=1, since=4), orders)
    assert not superseded_by(_one(2, a=2), _one(1, a=1, since=5), orders)
