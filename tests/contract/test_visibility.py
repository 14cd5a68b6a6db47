"""What a policy hides is not there: on no path, in no count, event, log, page or order."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
    copy_without_what_is_hidden,
    fill,
    request_ids,
    shown_names,
)

from chargehand.config.model import MasterConfig, WebConfig
from chargehand.domain.lock import LockHolder
from chargehand.domain.user import User
from chargehand.domain.waiting import LockHeld, Waiting, WorkersBusy
from chargehand.events.bus import Bus
from chargehand.resources.endpoints import ENDPOINTS
from chargehand.resources.policy import Everybody, Policy
from chargehand.resources.visibility import ALL, Choice, Visibility, all_but, only
from chargehand.store.store import Store
from chargehand.testing.web import MemoryControls, MemoryExplanations, MemoryForms
from chargehand.web.server import WebServer


@dataclass(frozen=True)
class Hiding:
    """A policy that lets everybody do everything with what they see."""

    sees: Visibility

    def visibility(self, user: User) -> Visibility:
        return self.sees

    def refusal(self, user: User, action: str, path: str) -> str | None:
        return None


@dataclass
class Site:
    server: WebServer
    store: Store
    session: aiohttp.ClientSession
    controls: MemoryControls
    published: list[Any] = field(default_factory=list)

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
    server = WebServer(
        config=MasterConfig(web=WebConfig(listen=(("127.0.0.1", 0),), policy=policy)),
        resources=store.resources,
        logs=store.logs,
        controls=controls,
        explanations=MemoryExplanations(_reasons(basedir, builders, workers)),
        forms=MemoryForms([form] if builders else []),
        bus=bus,
    )
    await server.start()
    try:
        host, port = server.addresses[0]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            yield Site(server, store, session, controls)
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
        yield from paths


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
)
_PAGES = ("/", *(f"/builders/{n}" for n in range(1, 5)), *(f"/builds/{n}" for n in range(1, 5)))


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
        for path in (*PATHS, *_FILTERS):
            target = f"/api/v2{path}"
            assert await limited.get(target) == await lesser.get(target), target
        for page in _PAGES:
            found, wanted = await limited.get(page), await lesser.get(page)
            assert _comparable(found) == _comparable(wanted), page


def _comparable(answer: tuple[int, str]) -> tuple[int, list[str]]:
    """Leave out what says how long ago something was: it depends on when one asks."""
    status, text = answer
    lines = re.sub(r">[^<]*</time>", "></time>", text).splitlines()
    return status, [line for line in lines if "data-now" not in line]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sees=VISIBILITIES,
    paths=st.lists(st.sampled_from((*PATHS, *_FILTERS)), min_size=20, max_size=40),
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
