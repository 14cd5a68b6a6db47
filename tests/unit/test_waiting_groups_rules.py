"""Reasons for waiting are equal when they end together; hidden builders are not counted."""

from __future__ import annotations

import pytest

from chargehand.domain.identifiers import BuilderId, BuildId, RequestId
from chargehand.domain.lock import LockHolder
from chargehand.domain.waiting import (
    AboutToStart,
    BuilderNotConfigured,
    FunctionFailed,
    LockHeld,
    NoWorkerConnected,
    Waiting,
    WorkersBusy,
)
from chargehand.domain.waiting_line import MOST_NAMED, WaitingLine
from chargehand.resources.waiting_groups import grouped

_NAMES = {BuilderId(number): f"b{number}" for number in range(1, 9)}


def _line(builder: int, why: Waiting, *, count: int = 1, since: float = 100.0) -> WaitingLine:
    return WaitingLine(
        builder_id=BuilderId(builder),
        why=why,
        count=count,
        oldest_submitted_at=since,
        request_ids=tuple(RequestId(100 * builder + n) for n in range(min(count, MOST_NAMED))),
    )


def _lock(name: str, *holders: int) -> LockHeld:
    held = (LockHolder(builder_name="x", build_id=BuildId(n), build_number=n) for n in holders)
    return LockHeld(lock=name, holders=tuple(held))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (_lock("a", 1), _lock("a", 2), True),
        (_lock("a"), _lock("b"), False),
        (NoWorkerConnected(workers=("w",)), NoWorkerConnected(workers=("w",)), True),
        (NoWorkerConnected(workers=("w",)), NoWorkerConnected(workers=("v",)), False),
        (WorkersBusy(workers=(("w", 1, 1),)), WorkersBusy(workers=(("w", 2, 2),)), True),
        (AboutToStart(), BuilderNotConfigured(), False),
        (
            FunctionFailed(function="f", error="x"),
            FunctionFailed(function="f", error="y"),
            False,
        ),
    ],
)
def test_what_ends_together_is_one_group(one: Waiting, other: Waiting, is_same: bool) -> None:
    rows = grouped(
        [_line(1, one, count=2), _line(2, other)], builder_names=_NAMES, started_at={}, now=160
    )

    assert [row["count"] for row in rows] == ([3] if is_same else [2, 1])
    assert len({row["group"] for row in rows}) == len(rows)


def test_a_group_keeps_its_name_while_others_wait_for_the_same() -> None:
    earlier, later = (
        grouped([_line(builder, _lock("a", holder))], builder_names=_NAMES, started_at={}, now=now)
        for builder, holder, now in [(1, 1, 160), (2, 7, 300)]
    )

    assert earlier[0]["sentence"] != later[0]["sentence"]
    assert earlier[0]["group"] == later[0]["group"]


def test_a_sentence_says_who_holds_it_and_since_when() -> None:
    (row,) = grouped(
        [_line(1, _lock("db", 7, 8), count=1200)],
        builder_names=_NAMES,
        started_at={BuildId(7): 100.0},
        now=160,
    )

    assert row["sentence"] == "lock db: 1,200 requests wait, held by x #7 for 1 min 0 s, x #8"
    assert row["reason"] == "lock db, held by x #7 for 1 min 0 s, x #8"
    assert len(row["buildrequestids"]) == MOST_NAMED


def test_a_hidden_builder_is_not_counted() -> None:
    rows = grouped(
        [_line(1, AboutToStart()), _line(99, AboutToStart())],
        builder_names=_NAMES,
        started_at={},
        now=160,
    )

    assert [row["count"] for row in rows] == [1]
    assert rows[0]["sentence"] == "about to start: 1 request waits, for 1 min 0 s"


def test_busy_workers_that_several_builders_wait_for_are_named_with_their_limits() -> None:
    why = WorkersBusy(workers=(("w", 1, 1), ("x", 2, 2)), builder="b1", builds=(("w", 7),))
    many = WorkersBusy(workers=tuple((f"w{number}", 1, 1) for number in range(4)))

    rows = grouped(
        [_line(1, why), _line(2, why), _line(3, many), _line(4, many)],
        builder_names=_NAMES,
        started_at={},
        now=160,
    )

    assert [row["reason"] for row in rows] == [
        "worker w is already running 1 build, its limit (max_builds); "
        "worker x is already running 2 builds, its limit (max_builds)",
        "all usable workers are busy (w0, w1, w2, w3)",
    ]
