"""What a policy hides is not there: on no path, in no count, event, log, page or order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_stores import (
    BUILDERS,
    NO_WORKER,
    PROJECTS,
    TAGS,
    WORKERS,
    configured,
    copy_without_what_is_hidden,
    fill,
    request_ids,
    shown_names,
)
from waiting import PATIENCE

from chargehand.app.data import Data
from chargehand.config.badges import BadgeSettings
from chargehand.config.model import MasterConfig, WebConfig
from chargehand.domain.build import Build, Log, LogType, Step
from chargehand.domain.buildset import BuildRequest, Buildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    BuildsetId,
    ChangeId,
    LogId,
    MasterId,
    RequestId,
    SourceStampId,
    StepId,
    WorkerId,
)
from chargehand.domain.lock import LockHolder
from chargehand.domain.master import Master
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp
from chargehand.domain.user import MASTER, User
from chargehand.domain.waiting import LockHeld, Waiting, WorkersBusy
from chargehand.domain.worker import Worker
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildPropertiesUpdated,
    BuildsetCompleted,
    BuildStarted,
    ChangeAdded,
    Event,
    LogAppended,
    MasterStopped,
    RequestClaimed,
    StepStarted,
    WorkerConnected,
)
from chargehand.kit.values import replace
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS
from chargehand.resources.permissions import (
    BuilderNames,
    Concern,
    Giving,
    RoleRule,
    Rule,
    RuleBook,
    Rules,
)
from chargehand.resources.policy import Everybody, Facts, Policy, Visitor
from chargehand.resources.query import Query
from chargehand.resources.visibility import ALL, EVERYTHING, Choice, Visibility, all_but, only
from chargehand.store.store import Store
from chargehand.testing.web import MemoryControls, MemoryExplanations, MemoryForms
from chargehand.web.pages.plain import LISTINGS, SINGLES
from chargehand.web.server import WebServer


@dataclass(frozen=True)
class Hiding:
    """A policy that lets everybody do everything with what they see."""

    sees: Visibility
    needs_facts = False

    def visibility(self, user: User) -> Visibility:
        return self.sees

    def refusal(self, user: User, action: str, path: str) -> str | None:
        return Everybody().refusal(user, action, path)

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        return self.refusal(user, action, path)


@dataclass
class Site:
    server: WebServer
    store: Store
    session: aiohttp.ClientSession
    bus: Bus
    controls: MemoryControls
    explanations: MemoryExplanations
    forms: MemoryForms

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(path, headers={"Accept": "application/json"}) as response:
            return response.status, _without_worker(await response.text(errors="replace"))

    async def order(self, path: str, method: str, **parameters: Any) -> tuple[int, Any]:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        async with self.session.post(f"/api/v2/{path}", json=call) as response:
            return response.status, await response.json()


def _without_worker(text: str) -> str:
    return text.replace(f'"workerid":{NO_WORKER}', '"workerid":null')


@asynccontextmanager
async def _site(
    basedir: Path, policy: Policy, builders: Sequence[str], workers: Sequence[str]
) -> AsyncIterator[Site]:
    bus = Bus()
    store = Store(url="sqlite:///state.sqlite", basedir=basedir, publish=bus.publish)
    await store.open()
    controls = MemoryControls(builds=set(range(1, 10)), workers={1, 2, 3, *WORKERS})
    form = {
        "name": "force",
        "button_name": "Force",
        "label": "Force",
        "builder_names": list(builders),
        "enabled": True,
        "all_fields": [],
    }
    explanations = MemoryExplanations(_reasons(basedir, builders, workers))
    forms = MemoryForms([form] if builders else [])
    server = WebServer(
        config=MasterConfig(
            builders=tuple(configured(name, workers) for name in builders),
            web=WebConfig(listen=(("127.0.0.1", 0),), policy=policy, badges=BadgeSettings()),
        ),
        resources=store.resources,
        logs=store.logs,
        controls=controls,
        explanations=explanations,
        forms=forms,
        sessions=store.web_sessions,
        tokens=store.api_tokens,
        bus=bus,
    )
    await server.start()
    try:
        host, port = server.addresses[0]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            yield Site(server, store, session, bus, controls, explanations, forms)
    finally:
        await server.stop()
        await store.close()


def _reasons(
    basedir: Path, builders: Sequence[str], workers: Sequence[str]
) -> dict[int, Waiting | None]:
    holders = tuple(LockHolder(builder_name=name, build_number=1) for name in builders)
    busy = WorkersBusy(workers=tuple((name, 1, 1) for name in workers))
    held = LockHeld(lock="l", holders=holders)
    return {number: busy if number % 3 else held for number in request_ids(basedir)}


@asynccontextmanager
async def _both(full: Path, copy: Path, sees: Visibility) -> AsyncIterator[tuple[Site, Site]]:
    copy_without_what_is_hidden(full, copy, sees)
    builders = list(shown_names(sees))
    workers = [name for name in WORKERS if sees.workers.has(name)]
    async with (
        _site(full, Hiding(sees), list(BUILDERS), WORKERS) as limited,
        _site(copy, Everybody(), builders, workers) as lesser,
    ):
        yield limited, lesser


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    basedir = tmp_path_factory.mktemp("full")
    asyncio.run(fill(basedir))
    return basedir


def _paths() -> Iterator[str]:
    """Return every path of the API, with everything in it that there is, and one that is not."""
    for endpoint in ENDPOINTS:
        paths = [""]
        for segment in endpoint.path.split("/") if endpoint.path else ():
            letter, _, name = segment.partition(":")
            values = _values(letter, name) if name else [segment]
            paths = [f"{path}/{value}" for path in paths for value in values]
        question = "?text=e" if endpoint.kind == "matches" else ""
        yield from (path + question for path in paths)


def _values(letter: str, name: str) -> Sequence[str]:
    match name:
        case "buildername":
            return ("b1", "b2", "b9")
        case "name":
            return (*WORKERS, "size", "w9")
        case "step_name":
            return ("compile",)
        case "log_slug":
            return ("stdio",)
        case "schedulername":
            return ("force",)
        case "projectname":
            return (*PROJECTS, "p9")
        case "codebasename":
            return ("c",)
        case "revision":
            return ("one",)
        case "step_number":
            return ("0",)
        case "build_number":
            return ("1",)
        case "commitid1" | "commitid2" | "commitid":
            return ("11", "12", "21")
        case "masterid":
            return ("1",)
    return ("2", "4", "9")


PATHS = tuple(_paths())
_QUESTIONS = (
    "",
    "?limit=1",
    "?limit=2&offset=1",
)
_FILTERS = (
    "/builds?workerid=1",
    "/builds?workerid__ne=3&property=*",
    "/builds?order=-workerid&field=workerid",
    "/builds?complete=true&limit=1",
    "/builds?property=workername",
    "/buildsets?parent_buildid__gt=0",
    "/buildsets?order=rebuilt_buildid",
    "/buildrequests?property=*",
    "/builders?tags__contains=fast",
    "/builders?name__contains=b",
    "/builders?masterids__contains=1",
    "/workers?name__ne=w1",
    "/changes?project__contains=p",
    "/failures?" + "&".join(f"buildid={number}" for number in range(1, 30)),
)
_PAGES = (
    "/plain/",
    *(f"/plain/{listing}" for listing in LISTINGS),
    *(f"/plain/{kind}/{n}" for kind in SINGLES for n in range(1, 5)),
    *(f"/plain/builders/{n}/forceschedulers" for n in range(1, 5)),
    *(f"/badges/{builder}.svg" for builder in BUILDERS),
)


def _choice(names: Sequence[str]) -> st.SearchStrategy[Choice]:
    some = st.frozensets(st.sampled_from(names))
    return st.one_of(st.just(ALL), st.builds(Choice, some, st.booleans()))


VISIBILITIES = st.builds(
    Visibility,
    builders=_choice(tuple(BUILDERS)),
    projects=_choice((*PROJECTS, "")),
    tags=_choice(TAGS),
    workers=_choice(WORKERS),
)

_SOME = (
    Visibility(builders=all_but("b2"), workers=all_but("w1")),
    Visibility(projects=all_but("p1")),
    Visibility(tags=all_but("nightly"), workers=only("w3")),
)


@pytest.mark.parametrize("sees", _SOME)
async def test_what_is_hidden_is_on_no_path_as_if_it_were_not_there(
    full: Path, tmp_path: Path, sees: Visibility
):
    async with _both(full, tmp_path / "copy", sees) as (limited, lesser):
        paths = PATHS if sees == _SOME[0] else PATHS[::4]
        for path in (*paths, *_FILTERS):
            target = f"/api/v2{path}"
            found, wanted = await limited.get(target), await lesser.get(target)
            assert _steady(found) == _steady(wanted), target
        for page in _PAGES:
            found, wanted = await limited.get(page), await lesser.get(page)
            assert _comparable(found) == _comparable(wanted), page


def _steady(answer: tuple[int, str]) -> tuple[int, str]:
    """Leave out for how long workers have been busy: a build that runs counts until now."""
    status, text = answer
    return status, re.sub(r'"busy_seconds":[0-9.]+', '"busy_seconds":0', text)


def _comparable(answer: tuple[int, str]) -> tuple[int, list[str]]:
    """Leave out what says how long ago something was: it depends on when one asks."""
    status, text = answer
    lines = re.sub(r">[^<]*</time>", "></time>", text).splitlines()
    return status, [line for line in lines if "data-now" not in line]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sees=VISIBILITIES,
    paths=st.lists(st.sampled_from((*PATHS, *_FILTERS)), min_size=15, max_size=30),
    question=st.sampled_from(_QUESTIONS),
)
async def test_no_path_tells_more_than_if_the_rest_were_not_there(
    full: Path,
    tmp_path_factory: pytest.TempPathFactory,
    sees: Visibility,
    paths: list[str],
    question: str,
):
    copy = tmp_path_factory.mktemp("copies") / "copy"
    async with _both(full, copy, sees) as (limited, lesser):
        for path in paths:
            target = f"/api/v2{path}" + ("" if "?" in path else question)
            assert await limited.get(target) == await lesser.get(target), target
        page = _PAGES[len(paths) % len(_PAGES)]
        assert _comparable(await limited.get(page)) == _comparable(await lesser.get(page)), page
        heard, expected = await _heard_by_both(limited, lesser, "socket")
        assert heard == expected


_PATTERNS = st.none() | st.sampled_from([*BUILDERS, "b?", "*[12]", "*"])
_RULES = st.lists(
    st.builds(
        Rule,
        words=st.just("a rule"),
        concern=st.sampled_from([Concern.VIEW, Concern.VIEW, Concern.EVERYTHING]),
        role=st.sampled_from(["staff", "guests", "*"]),
        denies=st.booleans(),
        builder=_PATTERNS,
        project=st.none() | st.sampled_from(PROJECTS),
        tag=st.none() | st.sampled_from(TAGS),
        worker=st.none() | st.sampled_from([*WORKERS, "w*"]),
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rules=_RULES,
    has_role=st.booleans(),
    paths=st.lists(st.sampled_from((*PATHS, *_FILTERS)), min_size=10, max_size=20),
)
async def test_rules_tell_no_more_than_if_what_they_hide_were_not_there(
    full: Path,
    tmp_path_factory: pytest.TempPathFactory,
    rules: list[Rule],
    has_role: bool,
    paths: list[str],
):
    """Compare lists, counts, single things, texts of logs, pages, errors and live events."""
    book = RuleBook(
        rules=tuple(rules),
        roles=(RoleRule(giving=Giving.GROUPS),),
        builders=await _names_of_builders(full),
        workers=tuple(WORKERS),
    )
    policy = Rules(book)
    sees = policy.visibility(User(name="ann", groups=("guests",) if has_role else ()))
    if sees.closed:
        async with _site(full, Hiding(sees), list(BUILDERS), WORKERS) as closed:
            for path in (*(f"/api/v2{path}" for path in paths), *_PAGES[:5], "/sse/listen/*"):
                status, text = await closed.get(path)
                assert status == 403, path
                assert "not allowed to read" in text
            assert (await closed.order("builds/1", "stop"))[0] == 404
        return
    copy = tmp_path_factory.mktemp("copies") / "copy"
    async with _both(full, copy, sees) as (limited, lesser):
        for path in paths:
            target = f"/api/v2{path}"
            assert await limited.get(target) == await lesser.get(target), target
        for page in _PAGES[:: len(paths)]:
            assert _comparable(await limited.get(page)) == _comparable(await lesser.get(page)), page
        heard, expected = await _heard_by_both(limited, lesser, "socket")
        assert heard == expected


async def _names_of_builders(basedir: Path) -> tuple[BuilderNames, ...]:
    store = Store(url="sqlite:///state.sqlite", basedir=basedir, publish=Bus().publish)
    await store.open()
    try:
        builders, projects = await _rows(store, "builders"), await _rows(store, "projects")
    finally:
        await store.close()
    names = {row["projectid"]: row["name"] for row in projects}
    return tuple(
        BuilderNames(row["name"], names.get(row["projectid"], ""), tuple(row["tags"]))
        for row in builders
    )


async def test_many_names_choose_the_same_rows_as_few(full: Path):
    others = [f"other-{number}" for number in range(40_000)]
    for sees in (
        Visibility(builders=only("b1", *others), workers=only("w1", *others)),
        Visibility(builders=all_but("b1", *others), projects=all_but(*others)),
    ):
        few = Visibility(
            builders=Choice(sees.builders.names & {"b1"}, sees.builders.is_exclusion),
            workers=Choice(sees.workers.names & {"w1"}, sees.workers.is_exclusion),
        )
        store = Store(url="sqlite:///state.sqlite", basedir=full, publish=Bus().publish)
        await store.open()
        try:
            for kind in ("builders", "builds", "buildrequests", "workers", "changes", "steps"):
                found = await store.resources.fetch(Query(kind=kind, sees=sees))
                assert found.rows == (await store.resources.fetch(Query(kind=kind, sees=few))).rows
                # Single things are asked for in another way.
                every = await store.resources.fetch(Query(kind=kind, sees=EVERYTHING))
                identity = KINDS[kind].identity
                shown = []
                for row in every.rows:
                    query = Query(kind=kind, sees=sees, scope={identity: row[identity]})
                    shown += (await store.resources.fetch(query)).rows
                assert shown == found.rows
            for number in range(1, 5):
                for kind in ("steps", "properties", "build_data", "changes"):
                    query = Query(kind=kind, sees=sees, scope={"buildid": number})
                    found = await store.resources.fetch(query)
                    assert (
                        found.rows == (await store.resources.fetch(replace(query, sees=few))).rows
                    ), (kind, number)
        finally:
            await store.close()


async def _events(store: Store) -> list[Event]:
    """Return an event of each kind about everything in *store*."""
    found: list[Event] = []
    rows = partial(_rows, store)
    builds = [
        Build(
            id=BuildId(row["buildid"]),
            number=row["number"],
            builder_id=BuilderId(row["builderid"]),
            request_id=RequestId(row["buildrequestid"]),
            worker_id=WorkerId(row["workerid"]),
            master_id=MasterId(row["masterid"]),
            started_at=row["started_at"],
        )
        for row in await rows("builds")
    ]
    found += [BuildStarted(build=build) for build in builds]
    for build in builds:
        (row,) = await rows("properties", scope={"buildid": build.id})
        properties = {name: (value, source) for name, (value, source) in row.items()}
        found.append(BuildPropertiesUpdated(build_id=build.id, properties=properties))
    for row in await rows("steps"):
        step = Step(id=StepId(row["stepid"]), build_id=row["buildid"], number=0, name="compile")
        found.append(StepStarted(step=step))
    for row in await rows("logs"):
        log = Log(
            id=LogId(row["logid"]), step_id=row["stepid"], name="l", slug="l", type=LogType.STDIO
        )
        found.append(LogAppended(log=log))
    for row in await rows("buildrequests"):
        request = BuildRequest(
            id=RequestId(row["buildrequestid"]),
            buildset_id=BuildsetId(row["buildsetid"]),
            builder_id=BuilderId(row["builderid"]),
            submitted_at=1.0,
        )
        found.append(RequestClaimed(request=request))
    for row in await rows("buildsets"):
        stamps = tuple(_stamp(stamp) for stamp in row["sourcestamps"])
        buildset = Buildset(
            id=BuildsetId(row["bsid"]),
            reason="because",
            submitted_at=1.0,
            source_stamps=stamps,
            parent_build_id=row["parent_buildid"],
            rebuilt_build_id=row["rebuilt_buildid"],
        )
        found.append(BuildsetCompleted(buildset=buildset))
    for row in await rows("workers"):
        configured = tuple((one["masterid"], one["builderid"]) for one in row["configured_on"])
        worker = Worker(id=WorkerId(row["workerid"]), name=row["name"], configured_on=configured)
        found.append(WorkerConnected(worker=worker))
    found += [ChangeAdded(change=_change(row)) for row in await rows("changes")]
    return found


async def _rows(store: Store, kind: str, scope: dict[str, Any] | None = None) -> list[Any]:
    query = Query(kind=kind, sees=EVERYTHING, scope=scope or {})
    return (await store.resources.fetch(query)).rows


def _stamp(row: dict[str, Any]) -> StoredSourceStamp:
    stamp = SourceStamp(branch=row["branch"], revision=row["revision"], project=row["project"])
    return StoredSourceStamp(id=row["ssid"], created_at=row["created_at"], stamp=stamp)


def _change(row: dict[str, Any]) -> Change:
    return Change(
        id=ChangeId(row["changeid"]),
        source_stamp_id=SourceStampId(row["sourcestamp"]["ssid"]),
        author="me",
        committer=None,
        files=(),
        comments="",
        revision=row["revision"],
        when=1.0,
        branch=row["branch"],
        category=None,
        revlink="",
        properties={},
        repository="",
        project=row["project"],
        codebase="",
    )


async def _heard(site: Site, events: Sequence[Event], kind: str) -> list[tuple[str, Any]]:
    """Return what a client hears who wants everything."""
    if kind == "socket":
        async with site.session.ws_connect("/ws") as socket:
            for number in range(3, 6):
                await socket.send_json(
                    {"cmd": "startConsuming", "path": "/".join("*" * number), "_id": number}
                )
                await socket.receive_json(timeout=PATIENCE)
            site.bus.publish([*events, _LAST])
            heard = []
            while (message := await socket.receive_json(timeout=PATIENCE))["k"] != _LAST_KEY:
                heard.append((message["k"], message["m"]))
            return heard
    if kind == "resumed socket":
        return await _resumed(site, events)
    stream = await site.session.get("/sse/listen/*/*/*")
    await stream.content.readuntil(b"\n\n")
    site.bus.publish([*events, _LAST])
    heard = []
    while True:
        frame = (await stream.content.readuntil(b"\n\n")).partition(b"data: ")[2]
        told = json.loads(frame)
        if (key := "/".join(told["key"])) == _LAST_KEY:
            return heard
        heard.append((key, told["message"]))


async def _resumed(site: Site, events: Sequence[Event]) -> list[tuple[str, Any]]:
    """Return what a client hears whose connection was interrupted meanwhile."""
    patterns = ["/".join("*" * number) for number in (5, 4, 3)]
    last = ""
    async with site.session.ws_connect("/ws") as socket:
        for pattern in patterns:
            await socket.send_json(_start(pattern, last))
            last = (await socket.receive_json(timeout=PATIENCE))["last_event_id"]
    site.bus.publish([*events, _LAST])
    heard = []
    async with site.session.ws_connect("/ws") as socket:
        for pattern in patterns:
            await socket.send_json(_start(pattern, last))
        while (message := await socket.receive_json(timeout=PATIENCE)).get("k") != _LAST_KEY:
            if "k" in message:
                heard.append((message["k"], message["m"]))
            else:
                assert message["is_complete"], message
    return heard


def _start(pattern: str, last: str) -> dict[str, Any]:
    return {"cmd": "startConsuming", "path": pattern, "_id": 1, "last_event_id": last}


_LAST = MasterStopped(master=Master(id=MasterId(1), name="here", active=False, last_active=1.0))
_LAST_KEY = "masters/1/stopped"


@pytest.mark.parametrize("kind", ["socket", "resumed socket", "stream"])
@pytest.mark.parametrize("sees", _SOME)
async def test_no_event_tells_more_than_if_the_rest_were_not_there(
    full: Path, tmp_path: Path, sees: Visibility, kind: str
):
    async with _both(full, tmp_path / "copy", sees) as (limited, lesser):
        heard, expected = await _heard_by_both(limited, lesser, kind)

    assert heard == expected
    assert heard


async def _heard_by_both(
    limited: Site, lesser: Site, kind: str
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    heard = await _heard(limited, await _events(limited.store), kind)
    wanted = await _heard(lesser, await _events(lesser.store), kind)
    of_hidden_workers = f"workers/{NO_WORKER}/"
    expected = [
        (key, _without_worker(_as_json(resource)))
        for key, resource in wanted
        if not key.startswith(of_hidden_workers)
    ]
    return [(key, _as_json(resource)) for key, resource in heard], expected


async def test_what_is_hidden_cannot_be_ordered_about(full: Path, tmp_path: Path):
    sees = Visibility(builders=all_but("b2"), workers=all_but("w1"))
    async with _both(full, tmp_path / "copy", sees) as (limited, lesser):
        for path, method, parameters in (
            *((f"builds/{number}", "stop", {}) for number in range(1, 6)),
            *((f"builds/{number}", "rebuild", {}) for number in range(1, 6)),
            *((f"buildrequests/{number}", "cancel", {}) for number in range(1, 10)),
            *((f"workers/{name}", "pause", {}) for name in (1, 2, "w1", "w2", "w9")),
            ("forceschedulers/force", "force", {"builderNames": ["b2"]}),
            ("forceschedulers/force", "force", {"builderNames": ["b9"]}),
            ("forceschedulers/force", "force", {"builderid": 2}),
            ("forceschedulers/force", "force", {}),
        ):
            status, _ = await limited.order(path, method, **parameters)
            answer = await lesser.get(f"/api/v2/{path}")
            is_hidden = answer[0] == 404 or parameters in _OF_HIDDEN
            assert status in ((400, 404) if is_hidden else (200,)), (path, parameters)

        (*_, (_, _, forced, _)) = limited.controls.orders
        assert forced == {"builderNames": ["b1", "b3", "b4"]}


_OF_HIDDEN = ({"builderNames": ["b2"]}, {"builderNames": ["b9"]}, {"builderid": 2})


async def test_master_data_shows_a_visitor_no_more_than_the_web_does(full: Path, tmp_path: Path):
    sees = Visibility(builders=all_but("b2"), workers=all_but("w1"))
    async with _both(full, tmp_path / "copy", sees) as (limited, lesser):
        few = _data(limited, Visitor(User(name="me"), Hiding(sees)))
        less = _data(lesser, Visitor(MASTER, Everybody()))
        every = _data(limited, Visitor(MASTER, Hiding(sees)))
        for path in PATHS[::4]:
            with contextlib.suppress(LookupError):
                found, wanted = await few.get(path), await less.get(path)
                assert _as_json(found) == _without_worker(_as_json(wanted)), path

        assert len(await every.get("builders") or []) == len(BUILDERS)


def _data(site: Site, visitor: Visitor) -> Data:
    return Data(
        visitor=visitor,
        resources=site.store.resources,
        logs=site.store.logs,
        controls=site.controls,
        explanations=site.explanations,
        forms=site.forms,
    )


def _as_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=repr)


async def test_answers_to_those_who_see_different_things_are_kept_apart(full: Path):
    policy = Hiding(Visibility(builders=only("b1")))
    async with _site(full, policy, [], []) as site:
        few = json.loads((await site.get("/api/v2/builders"))[1])
        config = MasterConfig(web=WebConfig(listen=(("127.0.0.1", 0),)))
        await site.server.reconfigure(config)
        every = json.loads((await site.get("/api/v2/builders"))[1])

    assert [row["name"] for row in few["builders"]] == ["b1"]
    assert few["meta"] == {"total": 1}
    assert every["meta"] == {"total": 4}
