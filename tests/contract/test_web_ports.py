"""What the web needs of the rest: the small site of its tests keeps the promises of a master."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st
from store_workshop import Workshop, opened, segment

from buildbot.plugins import schedulers, util
from chargehand.app.directory import Directory
from chargehand.app.parts import Parts
from chargehand.config.model import WORKER_PROTOCOLS, MasterConfig, WorkerConfig, WorkerPort
from chargehand.domain.build import LogType
from chargehand.domain.identifiers import BuilderId, BuildId, LogId, RequestId
from chargehand.domain.orders import InvalidParameters
from chargehand.domain.result import Result
from chargehand.domain.user import User
from chargehand.domain.waiting import NoWorkerConnected
from chargehand.events.bus import Bus
from chargehand.kit.clock import SystemClock
from chargehand.links.native.local_listener import LocalListener
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.testing.fleet import DirectLink
from chargehand.testing.web import (
    MemoryControls,
    MemoryExplanations,
    MemoryForms,
    MemoryLogs,
    MemoryResources,
)
from chargehand.web.ports import Controls, Explanations, ForceForms, Logs

_ME = User(name="me")
_UNKNOWN = 999


@dataclass(kw_only=True)
class Given:
    controls: Controls
    explanations: Explanations
    forms: ForceForms
    build_id: BuildId
    waiting: RequestId
    builders: tuple[BuilderId, BuilderId]


def small_site() -> Given:
    form = {"name": "force", "builder_names": ["b1"]}
    reasons = {1: None, 2: NoWorkerConnected(workers=("w1",))}
    return Given(
        controls=MemoryControls(builds={1}, workers={1, "w1"}),
        explanations=MemoryExplanations(reasons),
        forms=MemoryForms([form]),
        build_id=BuildId(1),
        waiting=RequestId(2),
        builders=(BuilderId(1), BuilderId(2)),
    )


async def master(workshop: Workshop, basedir: Path) -> tuple[Given, Parts]:
    """Return the stages of a master with a finished build, and a request that waits."""
    directory, ids = Directory(), workshop.builder_ids
    directory.update(ids)
    parts = Parts(
        basedir=basedir,
        bus=Bus(),
        directory=directory,
        store=workshop.store,
        master_id=workshop.master_id,
        clock=SystemClock(),
        reception=LocalListener(basedir / "agents"),
        links={"local": DirectLink},
    )
    await parts.fleet.reconfigure([WorkerConfig(name="w1", kind="local")], {"w1": [*ids.values()]})
    number = util.IntParameter(name="number", default=0)
    form = schedulers.ForceScheduler(name="force", builderNames=["b1"], properties=[number])
    await parts.scheduling.start([form._as_component()])
    build = await workshop.build()
    await workshop.store.builds.finish_build(build, Result.SUCCESS, "done", [build.request_id])
    waiting = (await workshop.submit()).requests[0].request.id
    found = Given(
        controls=parts.orders,
        explanations=parts.orders,
        forms=parts.scheduling,
        build_id=build.id,
        waiting=waiting,
        builders=(ids["b1"], ids["b2"]),
    )
    return found, parts


@pytest.fixture(params=["memory", "real"])
async def given(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Given]:
    if request.param == "memory":
        yield small_site()
        return
    async with opened("sqlite:///state.sqlite", tmp_path) as workshop:
        found, parts = await master(workshop, tmp_path)
        yield found
        await parts.scheduling.stop()
        await parts.fleet.close()


async def test_a_master_lets_workers_in_by_each_protocol(tmp_path: Path) -> None:
    text = "tcp:0:interface=127.0.0.1"
    ports = tuple(
        WorkerPort(protocol=protocol, address=("127.0.0.1", 0), text=text)
        for protocol in WORKER_PROTOCOLS
    )
    elsewhere = WorkerConfig(name="w2", kind="remote", password="p")
    async with opened("sqlite:///state.sqlite", tmp_path) as workshop:
        _, parts = await master(workshop, tmp_path)

        await parts.worker_doors.reconfigure(MasterConfig(workers=(elsewhere,), worker_ports=ports))

        numbers = {parts.worker_doors.port_of(protocol) for protocol in WORKER_PROTOCOLS}
        assert len(numbers - {None}) == len(WORKER_PROTOCOLS)
        await parts.worker_doors.close()
        await parts.scheduling.stop()
        await parts.fleet.close()


async def test_a_form_forces_builds_and_says_which(given: Given) -> None:
    parameters = {"builderid": given.builders[0], "number": 7}

    buildset, requests = await given.controls.force("force", parameters, _ME)

    assert isinstance(buildset, int)
    assert list(requests) == [given.builders[0]]


async def test_what_is_filled_in_wrongly_is_said_by_field(given: Given) -> None:
    with pytest.raises(InvalidParameters) as invalid:
        await given.controls.force("force", {"number": "many"}, _ME)

    assert list(invalid.value.errors) == ["number"]


async def test_what_is_not_there_cannot_be_ordered_about(given: Given) -> None:
    controls, build, request = given.controls, BuildId(_UNKNOWN), RequestId(_UNKNOWN)
    for order in (
        controls.force("no such", {}, _ME),
        controls.stop_build(build, "why", Result.CANCELLED, _ME),
        controls.rebuild(build, _ME),
        controls.cancel_request(request, "why", _ME),
        controls.set_priority(request, 1, _ME),
        controls.enable_scheduler(_UNKNOWN, True, _ME),
        controls.control_worker("nobody", "pause", "why", _ME),
        controls.control_worker(_UNKNOWN, "pause", "why", _ME),
    ):
        with pytest.raises(LookupError):
            await order


async def test_what_is_there_can_be_ordered_about(given: Given) -> None:
    await given.controls.stop_build(given.build_id, "why", Result.CANCELLED, _ME)
    buildset, requests = await given.controls.rebuild(given.build_id, _ME)
    await given.controls.set_priority(given.waiting, 1, _ME)
    await given.controls.control_worker("w1", "pause", "why", _ME)
    await given.controls.control_worker(1, "unpause", "", _ME)
    await given.controls.enable_scheduler(1, True, _ME)
    await given.controls.cancel_request(given.waiting, "why", _ME)

    assert isinstance(buildset, int)
    assert len(requests) == 1


async def test_only_what_waits_has_a_reason(given: Given) -> None:
    assert await given.explanations.why_waiting(given.waiting) is not None
    assert await given.explanations.why_waiting(RequestId(1)) is None
    reasons = given.explanations.why_these_wait({given.waiting: given.builders[0]})
    assert list(reasons) == [given.waiting]
    with pytest.raises(LookupError):
        await given.explanations.why_waiting(RequestId(_UNKNOWN))


async def test_forms_are_those_of_a_builder_or_all(given: Given) -> None:
    one, other = given.builders

    assert [form["name"] for form in given.forms.forms()] == ["force"]
    assert [form["name"] for form in given.forms.forms(one)] == ["force"]
    assert given.forms.forms(other) == []
    assert await given.forms.asked_forms(one) == given.forms.forms(one)
    assert await given.forms.asked_forms(other) == []


_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "builderid": st.integers(0, 3),
    "name": st.sampled_from(["", "b", "b1", "b2", "c"]),
    "description": st.sampled_from(["", "x"]),
}
_COMPARED = (Operator.EQ, Operator.NE, Operator.LT, Operator.LE, Operator.GT, Operator.GE)


@st.composite
def _filters(draw: st.DrawFn) -> Filter:
    field = draw(st.sampled_from(sorted(_FIELDS)))
    operator = draw(st.sampled_from(_COMPARED))
    most = 2 if operator in (Operator.EQ, Operator.NE) else 1
    values = draw(st.lists(_FIELDS[field], min_size=1, max_size=most))
    return Filter(field, operator, tuple(values))


_QUERIES = st.builds(
    Query,
    kind=st.just("builders"),
    sees=st.just(EVERYTHING),
    filters=st.lists(_filters(), max_size=2).map(tuple),
    order=st.booleans().map(lambda descending: (Order("builderid", descending),)),
    limit=st.none() | st.integers(0, 3),
    offset=st.none() | st.integers(0, 3),
    scope=st.just({}) | st.integers(1, 3).map(lambda number: {"builderid": number}),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(query=_QUERIES)
async def test_rows_in_memory_are_found_as_rows_in_a_store(
    workshop: Workshop, query: Query
) -> None:
    rows = await workshop.rows("builders")

    found = await MemoryResources({"builders": rows}).fetch(query)

    stored = await workshop.store.resources.fetch(query)
    assert (found.rows, found.total) == (stored.rows, stored.total)


async def test_rows_in_memory_refuse_the_fields_that_a_store_refuses(workshop: Workshop) -> None:
    resources = MemoryResources({"builders": await workshop.rows("builders")})
    query = Query(
        kind="builders",
        sees=EVERYTHING,
        filters=(Filter("nonsense", Operator.EQ, (1,)),),
    )

    for one in (resources, workshop.store.resources):
        with pytest.raises(ValueError, match="nonsense"):
            await one.fetch(query)


@pytest.fixture(params=["memory", "real"])
async def logs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Logs, LogId]]:
    text = b"hmake\noone\netwo\n"
    if request.param == "memory":
        yield MemoryLogs({1: text}, without_letters=set()), LogId(1)
        return
    async with opened("sqlite:///state.sqlite", tmp_path) as workshop:
        step = await workshop.step(await workshop.build())
        log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
        await workshop.store.logs.append(log.id, segment(text))
        await workshop.store.logs.finish(log.id)
        yield workshop.store.logs, log.id


async def test_logs_are_read_with_letters_and_downloaded_without(logs: tuple[Logs, LogId]) -> None:
    store, log_id = logs

    raw = await store.raw(log_id)
    chunks = b"".join([chunk async for chunk in raw.chunks])

    assert await store.lines(log_id, 0, None) == b"hmake\noone\netwo\n"
    assert await store.lines(log_id, 1, 1) == b"oone\n"
    assert await store.lines(log_id, 3, None) == b""
    assert chunks == b"make\none\ntwo\n"
    assert raw.size == len(chunks)
