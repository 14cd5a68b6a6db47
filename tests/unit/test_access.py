"""Nothing reads without saying for whom."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

import chargehand.web
from chargehand.domain import waiting
from chargehand.domain.identifiers import RequestId
from chargehand.domain.lock import LockHolder
from chargehand.domain.user import ANONYMOUS, MASTER, User
from chargehand.domain.waiting import (
    AboutToStart,
    BehindOthers,
    HeldByParents,
    LockHeld,
    NotTrustedEnough,
    NoWorkerConnected,
    RefusedByFunction,
    TriggeredWaits,
    Waiting,
    WorkerPreparing,
    WorkersBusy,
    WorkersPaused,
    WorkersQuarantined,
)
from chargehand.resources.policy import Everybody, Facts, NoOrders, Visitor
from chargehand.resources.query import Query
from chargehand.resources.reasons import as_seen as reason_as_seen
from chargehand.resources.visibility import EVERYTHING, Visibility, all_but, only
from chargehand.store.engine.sight import as_seen
from chargehand.store.engine.tables import metadata

_NOTHING = Visibility(builders=only(), projects=only(), workers=only())

_SEEN_BY_ALL = {
    "change_source_masters",
    "change_sources",
    "masters",
    "object_state",
    "patches",
    "scheduler_masters",
    "schedulers",
}
"""Tables of things that belong to no builder, project or worker."""


def test_a_question_needs_to_say_who_asks() -> None:
    (sees,) = (field for field in msgspec.structs.fields(Query) if field.name == "sees")
    assert sees.required


@pytest.mark.parametrize(
    "file", sorted(Path(chargehand.web.__file__).parent.rglob("*.py")), ids=str
)
def test_the_web_reads_only_what_a_visitor_sees(file: Path) -> None:
    names = {
        name
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", ""))
    }
    assert names.isdisjoint({"EVERYTHING", "Visibility()", "MASTER", "Everybody"})


def test_every_table_has_rows_that_some_do_not_see() -> None:
    unlimited = {
        table.name
        for table in metadata.sorted_tables
        if str(as_seen(select(table), _NOTHING)) == str(select(table))
    }
    assert unlimited == _SEEN_BY_ALL


def test_equal_visibilities_are_one_key() -> None:
    some = Visibility(builders=all_but("a", "b"))
    same = Visibility(builders=all_but("b", "a"))
    assert {some: 1}[same] == 1
    assert some != Visibility(builders=only("a", "b"))
    assert Visibility() == EVERYTHING
    assert EVERYTHING.is_everything
    assert not some.is_everything


def test_the_master_itself_may_do_everything_whatever_the_policy_says() -> None:
    class Nothing:
        needs_facts = True

        def visibility(self, user: User) -> Visibility:
            return _NOTHING

        def refusal(self, user: User, action: str, path: str) -> str | None:
            return "no"

        async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
            return "no"

    assert Visitor(MASTER, Nothing()).sees == EVERYTHING
    assert Visitor(MASTER, Nothing()).refusal("stop", "builds/1") is None
    assert Visitor(ANONYMOUS, Nothing()).sees == _NOTHING
    assert Visitor(ANONYMOUS, Nothing()).refusal("stop", "builds/1") == "no"


def test_policies_are_values() -> None:
    assert Everybody() == Everybody()
    assert NoOrders("a") == NoOrders("a") != NoOrders("b")


@pytest.mark.parametrize(
    "reason",
    [
        NoWorkerConnected(
            workers=("seen", "secret"),
            reasons=(("seen", "x"), ("secret", "y")),
            refused=(("seen", "x"), ("secret", "y")),
            unknown=("seen", "secret"),
        ),
        WorkersPaused(workers=(("seen", ""), ("secret", "repairs of secret"))),
        NotTrustedEnough(trust="untrusted", workers=(), others=("seen", "secret")),
        NotTrustedEnough(
            trust="untrusted",
            workers=("seen", "secret"),
            others=("secret",),
            because=WorkersBusy(workers=(("seen", 1, 1), ("secret", 1, 1))),
        ),
        WorkersBusy(workers=(("seen", 1, 1), ("secret", 1, 1))),
        LockHeld(
            lock="l",
            holders=(
                LockHolder(builder_name="seen", build_number=1),
                LockHolder(builder_name="secret", build_number=1),
            ),
        ),
        HeldByParents(
            because=WorkersBusy(workers=(("seen", 1, 1), ("secret", 1, 1))),
            holders=(
                LockHolder(builder_name="seen", build_number=1),
                LockHolder(builder_name="secret", build_number=1),
            ),
        ),
        TriggeredWaits(
            request_id=RequestId(1),
            builder="secret",
            because=NoWorkerConnected(workers=("seen", "secret")),
        ),
        TriggeredWaits(request_id=RequestId(1), builder="seen", because=AboutToStart()),
        WorkersQuarantined(
            workers=(("seen", 0.0, 1, "in quarantine"), ("secret", 0.0, 1, "in quarantine"))
        ),
        WorkerPreparing(workers=(("seen", 3),)),
        RefusedByFunction(function="nextWorker", workers=("seen", "secret")),
        BehindOthers(ahead=1, the_first_waits="all its workers are busy: secret (1 of 1)"),
    ],
    ids=lambda reason: type(reason).__name__,
)
def test_reasons_do_not_name_what_is_hidden(reason: Waiting) -> None:
    seen = reason_as_seen(reason, workers=all_but("secret"), builder_names={"seen"})
    none = reason_as_seen(reason, workers=only(), builder_names=())

    assert "secret" not in seen.sentence + str(msgspec.to_builtins(seen))
    assert "seen" in seen.sentence or isinstance(reason, BehindOthers)
    assert "seen" not in none.sentence + str(msgspec.to_builtins(none))
    assert not none.sentence.endswith((" ", ":"))


def test_every_reason_that_has_names_is_covered() -> None:
    kinds = [kind for kind in vars(waiting).values() if isinstance(kind, type)]
    with_names = {
        kind.__name__
        for kind in kinds
        if issubclass(kind, Waiting)
        and {"workers", "holders", "the_first_waits", "because"} & set(kind.__struct_fields__)
    }
    assert with_names == {
        "BehindOthers",
        "HeldByParents",
        "LockHeld",
        "NoWorkerConnected",
        "NotTrustedEnough",
        "RefusedByFunction",
        "TriggeredWaits",
        "WorkersBusy",
        "WorkersInterrupted",
        "WorkersPaused",
        "WorkersQuarantined",
        "WorkerPreparing",
    }
