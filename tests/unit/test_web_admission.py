"""Which client is served next, and which gives way: pure rules, in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.web.admission import PATIENCE_SECONDS, Admission
from chargehand.web.request_progress import MOST_BYTES, Progress, kind_of_head, progress_of
from chargehand.web.shares import Shares, address_key
from chargehand.web.turns import Turns

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


# What has arrived


@pytest.mark.parametrize(
    ("received", "progress"),
    [
        (b"", Progress.HEAD),
        (GET[:-1], Progress.HEAD),
        (GET, Progress.WHOLE),
        (b"\r\n" + GET, Progress.WHOLE),
        (GET.replace(b"\r", b""), Progress.WHOLE),
        (b"\x16\x03\x01\x02\x00", Progress.WHOLE),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * MOST_BYTES, Progress.BODY),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", Progress.BODY),
        (b"POST / HTTP/1.1\r\ncontent-length:3 \r\n\r\nabc", Progress.WHOLE),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Progress.BODY),
        (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", Progress.BODY),
    ],
)
def test_a_request_is_whole_when_an_answer_needs_no_more(received: bytes, progress: Progress):
    assert progress_of(received) is progress


@given(st.integers(0, len(GET) - 1))
def test_a_part_of_a_head_is_no_request(length: int):
    assert progress_of(GET[:length].lstrip()) is Progress.HEAD


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_counts_as_one_client(address: str, key: str):
    assert address_key(address) == key


# Shares


_STEPS = st.tuples(
    st.integers(0, 12), st.sampled_from(["add", "discard", "renew"]), st.sampled_from("abc")
)


@given(st.lists(_STEPS))
def test_the_largest_share_is_known(steps: list[tuple[int, str, str]]):
    shares: Shares[int] = Shares()
    expected: dict[int, str] = {}

    for member, step, address in steps:
        before = expected.pop(member, None)
        if step == "renew":
            assert shares.renew(member) is (before is not None)
            if before is not None:
                expected[member] = before
        elif step == "add":
            expected[member] = address
            shares.add(member, address)
        else:
            shares.discard(member)

        counts = {one: list(expected.values()).count(one) for one in "abc"}
        assert {one: shares.count(one) for one in "abc"} == counts
        assert list(shares) == list(expected)
        if not expected:
            assert shares.oldest_of_largest() is None
            continue
        largest = shares.largest
        assert largest is not None
        assert counts[largest] == max(counts.values())
        assert shares.oldest_of_largest() == next(
            one for one, address in expected.items() if address == largest
        )


@given(st.lists(_STEPS))
def test_a_renewed_member_stands_where_a_new_one_would(steps: list[tuple[int, str, str]]):
    shares: Shares[int] = Shares()
    added: Shares[int] = Shares()
    addresses: dict[int, str] = {}

    for member, step, address in steps:
        if step == "discard":
            shares.discard(member)
            added.discard(member)
            addresses.pop(member, None)
        elif step == "add":
            addresses[member] = address
            shares.add(member, address)
            added.add(member, address)
        elif shares.renew(member):
            added.add(member, addresses[member])

    while added:
        assert shares.largest == added.largest
        assert shares.first_in_turn() == added.first_in_turn()
        oldest = added.oldest_of_largest()
        assert oldest is not None
        assert shares.oldest_of_largest() == oldest
        shares.discard(oldest)
        added.discard(oldest)
    assert not shares


# Admission


def _flooded(progress: Progress, count: int = 1000) -> Admission[str]:
    queue: Admission[str] = Admission()
    for number in range(count):
        queue.add(f"flood {number}", "attacker", progress, now=number / count)
    return queue


@pytest.mark.parametrize("progress", Progress)
def test_the_client_with_most_connections_gives_way(progress: Progress):
    queue = _flooded(progress)
    queue.add("honest", "other", progress, now=0)

    for _ in range(999):
        member = queue.to_close()
        assert member is not None
        assert member != "honest"
        queue.remove(member)


@pytest.mark.parametrize("address", ["attacker", "other"])
@pytest.mark.parametrize("progress", [Progress.HEAD, Progress.BODY])
def test_a_whole_request_is_served_before_any_other(progress: Progress, address: str):
    queue = _flooded(progress)
    queue.add("honest", address, Progress.HEAD, now=1)
    queue.advance("honest", Progress.WHOLE)

    assert queue.first(now=1) == "honest"
    assert queue.to_close() != "honest"


def test_addresses_take_turns():
    queue = _flooded(Progress.WHOLE)
    queue.add("honest", "other", Progress.WHOLE, now=1)

    served = []
    for _ in range(2):
        member = queue.first(now=1)
        assert member is not None
        queue.take(member)
        served.append(member)

    assert "honest" in served


def test_the_newest_is_next_when_the_oldest_has_waited_for_too_long():
    queue = _flooded(Progress.WHOLE, 2)

    assert queue.first(now=PATIENCE_SECONDS) == "flood 0"
    assert queue.first(now=PATIENCE_SECONDS + 0.01) == "flood 1"


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("arrive"), st.sampled_from("abc")),
            st.tuples(st.just("advance"), st.sampled_from([Progress.BODY, Progress.WHOLE])),
            st.tuples(st.just("serve"), st.none()),
            st.tuples(st.just("close"), st.none()),
        )
    )
)
def test_each_client_leaves_once(steps: list[tuple[str, object]]):
    queue: Admission[int] = Admission()
    inside: dict[int, Progress] = {}

    for number, (step, what) in enumerate(steps):
        if step == "arrive":
            queue.add(number, str(what), Progress.HEAD, now=number)
            inside[number] = Progress.HEAD
        elif step == "advance" and inside:
            assert isinstance(what, Progress)
            member = next(iter(inside))
            queue.advance(member, what)
            inside[member] = what
        elif step == "serve":
            served = queue.first(now=number)
            assert (served is None) == all(one is Progress.HEAD for one in inside.values())
            if served is not None:
                best = max(inside.values(), key=list(Progress).index)
                assert inside.pop(served) is best
                queue.take(served)
        elif step == "close":
            closed = queue.to_close()
            assert (closed is None) == (not inside)
            if closed is not None:
                assert inside.pop(closed) in (Progress.HEAD, Progress.BODY, Progress.WHOLE)
                queue.remove(closed)
        assert len(queue) == len(inside)
        assert queue.arrived_before(number) == list(inside)


def test_kinds_of_requests_of_one_address_take_turns():
    queue = _flooded(Progress.WHOLE)
    queue.add("honest", "attacker", Progress.HEAD, now=0.9)
    queue.advance("honest", Progress.WHOLE, kind=1)
    for number in range(50):
        queue.add(f"later {number}", "attacker", Progress.WHOLE, now=1)

    served = []
    for _ in range(2):
        member = queue.first(now=2)
        assert member is not None
        queue.take(member)
        served.append(member)

    assert "honest" in served


@given(
    st.lists(
        st.tuples(
            st.integers(0, 12), st.sampled_from([*Progress, None]), st.integers(0, 2), st.booleans()
        )
    )
)
def test_none_is_lost_and_none_served_twice(steps):
    queue: Admission[int] = Admission()
    expected: dict[int, Progress] = {}

    for number, (member, progress, kind, is_taken) in enumerate(steps):
        if is_taken and (first := queue.first(number)) is not None:
            assert expected.pop(first) is not Progress.HEAD
            queue.take(first)
        elif progress is None:
            expected.pop(member, None)
            queue.remove(member)
        elif member in expected:
            expected[member] = progress
            queue.advance(member, progress, kind)
        else:
            expected[member] = progress
            queue.add(member, str(member % 3), progress, number, kind)
        assert len(queue) == len(expected)
        served = [one for one, what in expected.items() if what is not Progress.HEAD]
        assert (queue.first(number) is None) is (not served)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (b"GET /builders/3 HTTP/1.1", b"GET /builders/41?limit=3 HTTP/1.1", True),
        (b"GET /api/v2/builds?x=1 HTTP/1.1", b"\r\nGET /api/v2/builds HTTP/1.0", True),
        (b"GET / HTTP/1.1", b"GET /builders HTTP/1.1", False),
        (b"GET /api/v2/builds HTTP/1.1", b"POST /api/v2/builds HTTP/1.1", False),
        (b"", b"\xff\x00\xd8", False),
    ],
)
def test_the_kind_of_a_request_is_its_method_and_its_page(one, other, is_same):
    assert (kind_of_head(one) == kind_of_head(other)) is is_same


# Turns


@pytest.mark.looptime
async def test_a_request_whose_body_has_arrived_does_not_wait_for_whole_ones():
    turns = Turns()
    flood = [turns.begin("here", is_whole=True) for _ in range(500)]
    order = turns.begin("here", is_whole=False, kind=1)
    loop = asyncio.get_running_loop()
    began = loop.time()

    turns.arrived(order, 1)
    async with asyncio.timeout(1):
        await order

    assert loop.time() - began <= 0.25
    assert sum(turn.done() for turn in flood) < 70
    turns.arrived(order, 1)  # It has begun: nothing changes.


@pytest.mark.looptime
@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_flood_of_requests_does_not_delay_another_address(is_whole: bool):
    turns = Turns()
    loop = asyncio.get_running_loop()
    flood = [turns.begin("attacker", is_whole=is_whole) for _ in range(500)]
    began = loop.time()

    async with asyncio.timeout(1):
        await turns.begin("other", is_whole=is_whole)

    assert loop.time() - began <= 0.25  # Those that begin together take no more of the time.
    assert sum(turn.done() for turn in flood) < 70


@pytest.mark.looptime
async def test_each_request_has_its_turn_and_whole_ones_first():
    turns = Turns()
    slow = [turns.begin("here", is_whole=False) for _ in range(100)]
    whole = [turns.begin("here", is_whole=True) for _ in range(40)]

    for turn in slow[:32]:
        turns.end(turn)
    assert sum(turn.done() for turn in whole) == 32
    for turn in whole:
        turns.end(turn)
    assert sum(turn.done() for turn in slow[32:]) == 32
    left = slow[-1]
    turns.drop(left)
    assert left.done()
    for turn in slow:
        turns.end(turn)

    assert turns.begin("here", is_whole=True).done()
