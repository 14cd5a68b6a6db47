"""Server-rendered pages: lists of builds, a build with its logs, and errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
import msgspec
from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.domain.identifiers import RequestId
from chargehand.domain.user import User
from chargehand.kit.clock import Clock
from chargehand.kit.durations import ago, duration
from chargehand.kit.passwords import without_passwords
from chargehand.resources.audit import RESTRICTED
from chargehand.resources.field import Resource
from chargehand.resources.policy import READ, Visitor
from chargehand.resources.query import Filter, Operator, Order
from chargehand.web.access.stages import StageReader
from chargehand.web.pages import listings
from chargehand.web.pages.overview import Overview
from chargehand.web.pages.phrases import first_line, moment, short, web_link
from chargehand.web.ports import Resources
from chargehand.web.rest.reading import NotFound, resolved_path

_HERE = Path(__file__).parent
_ALL_STEPS = 1000
_CHANGES_OF_BUILD = 50

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
}

_HEADINGS = {
    403: "Not allowed",
    404: "Not found",
    500: "Something went wrong",
    503: "Temporarily unavailable",
}
_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


PLACE = "plain"
"""Below which path of the site the pages are."""
LISTINGS = {
    "builders": listings.builders,
    "workers": listings.workers,
    "changes": listings.changes,
    "audit": listings.audit,
}
"""Pages of all of a kind."""
SINGLES = ("builds", "builders", "workers", "changes", "buildrequests")
"""Kinds of which each has a page."""


class Visit(msgspec.Struct, frozen=True):
    """A visitor's request for a page."""

    path: str
    visitor: Visitor
    overview: Overview

    def may(self, action: str, path: str) -> bool:
        """Return whether the visitor may run this action; the page only offers allowed ones."""
        return self.visitor.refusal(action, path) is None


class Pages:
    """Renders pages from the store; links are relative, so a proxy may serve them at any path."""

    def __init__(
        self,
        *,
        config: Callable[[], MasterConfig],
        resources: Resources,
        stages: StageReader,
        clock: Clock,
    ) -> None:
        self._config = config
        self._resources = resources
        self._stages = stages
        self._clock = clock
        self._templates = _templates()
        self._static = {file.name: file.read_bytes() for file in (_HERE / "static").iterdir()}

    def static(self, name: str) -> web.StreamResponse:
        """Return a static file. Raises NotFound."""
        if name not in self._static:
            raise NotFound("This file does not exist.")
        kind = _STATIC_TYPES[Path(name).suffix]
        headers = {"Content-Type": kind, "Cache-Control": "no-cache"}
        return web.Response(body=self._static[name], headers=headers)

    def error(
        self, path: str, status: int, message: str, person: User | None = None
    ) -> web.StreamResponse:
        """Return an error page; it shows that *person* is logged in, or a way in."""
        headings = {
            403: "Not allowed",
            404: "Not found",
            500: "Something went wrong",
            503: "Temporarily unavailable",
        }
        heading = headings.get(status, "Error")
        response = self.made(
            path, "error.html", status, person=person, heading=heading, message=message
        )
        if status == 503:
            response.headers["Retry-After"] = "5"
        return response

    async def page(self, path: str, visitor: Visitor) -> web.StreamResponse:
        """Return the page at *path*. Raises NotFound."""
        visit = Visit(path, visitor, self._overview_of(visitor))
        inner = path.removeprefix(f"/{PLACE}").strip("/")
        if not inner:
            return await self._lists(visit, None)
        resolved = resolved_path(inner)
        kind, scope = resolved.endpoint.kind, resolved.scope
        if resolved.endpoint.is_collection:
            if kind in RESTRICTED and (why := visitor.refusal(READ, kind)) is not None:
                return self.error(path, 403, f"You are not allowed to read this: {why}.")
            if inner in LISTINGS:
                return self._listing(visit, kind, await LISTINGS[kind](visit.overview))
            if kind == "forceschedulers" and scope:
                return await self._forms(visit, scope)
        elif kind in SINGLES and (found := await visit.overview.rows(kind, scope=scope)):
            return await self._single(visit, kind, found[0])
        raise NotFound("This page does not exist.")

    async def _single(self, visit: Visit, kind: str, found: Resource) -> web.StreamResponse:
        match kind:
            case "builds":
                return await self._build(visit, found)
            case "builders":
                return await self._lists(visit, found)
            case "workers":
                builds = await visit.overview.builds({"workerid": found["workerid"]})
                worker = listings.worker_with_state(found, len(builds["running"]))
                machines = await listings.instances(visit.overview, found)
                return self._listing(
                    visit, "worker", {"worker": worker, "instances": machines, **builds}
                )
            case "buildrequests":
                return await self._request(visit, found)
            case _:
                values = await listings.builds_of_change(visit.overview, found)
                return self._listing(visit, "change", values)

    async def _forms(self, visit: Visit, scope: Mapping[str, int | str]) -> web.StreamResponse:
        """Return the page with all that the forms of a builder ask for. Raises NotFound."""
        builders = await visit.overview.rows("builders", scope=scope)
        if not builders:
            raise NotFound("This page does not exist.")
        forms = await visit.overview.forms(builders[0], asked=True)
        return self._listing(visit, "forms", {"builder": builders[0], "forms": forms})

    def _listing(self, visit: Visit, name: str, values: Resource) -> web.StreamResponse:
        return self.made(
            visit.path, f"{name}.html", may=visit.may, person=visit.visitor.user, **values
        )

    def _overview_of(self, visitor: Visitor) -> Overview:
        return Overview(visitor=visitor, resources=self._resources, stages=self._stages)

    async def _lists(self, visit: Visit, builder: Resource | None) -> web.StreamResponse:
        lists = await visit.overview.lists(builder)
        return self.made(
            visit.path, "lists.html", may=visit.may, person=visit.visitor.user, **lists
        )

    async def _request(self, visit: Visit, request: Resource) -> web.StreamResponse:
        """Lead to the newest build of a request, or say why there is none."""
        number = request["buildrequestid"]
        builds = await visit.overview.rows(
            "builds",
            scope={"buildrequestid": number},
            order=(Order("buildid", descending=True),),
            limit=1,
        )
        if builds:
            return web.Response(
                status=302,
                headers={"Location": f"{_root(visit.path)}{PLACE}/builds/{builds[0]['buildid']}"},
            )
        waiting = await self._stages.why_waiting(visit.visitor.sees, RequestId(number))
        names = await visit.overview.builder_names([request])
        why = "It ended without a build." if waiting is None else f"It waits: {waiting.sentence}"
        heading = f"Request {number} of {names.get(request['builderid'], '?')}"
        return self.made(visit.path, "error.html", heading=heading, message=without_passwords(why))

    async def _build(self, visit: Visit, build: Resource) -> web.StreamResponse:
        overview = visit.overview
        properties = await overview.rows("properties", scope={"buildid": build["buildid"]}, limit=1)
        of_build = {"properties": properties[0] if properties else {}}
        (titled,) = await overview.titled([build | of_build])
        steps = await overview.rows(
            "steps",
            scope={"buildid": build["buildid"]},
            order=(Order("number"),),
            limit=_ALL_STEPS,
        )
        workers = await overview.rows("workers", scope={"workerid": build["workerid"]})
        return self.made(
            visit.path,
            "build.html",
            may=visit.may,
            person=visit.visitor.user,
            build=titled,
            worker=workers[0] if workers else {"name": "?", "workerid": None},
            reason=await _reason(overview, build),
            changes=await overview.rows(
                "changes", scope={"buildid": build["buildid"]}, limit=_CHANGES_OF_BUILD
            ),
            steps=await _with_logs(overview, await overview.marked("step", steps)),
        )

    def made(
        self,
        path: str,
        template: str,
        status: int = 200,
        *,
        person: User | None = None,
        **values: object,
    ) -> web.Response:
        """Return the page of a template; it shows that *person* is logged in, or a way in."""
        now = self._clock.timestamp()
        text = self._templates.get_template(template).render(
            site=(config := self._config()),
            root=_root(path),
            pages=_pages(path),
            here=path,
            now=now,
            person=person,
            may_audit=person is not None and _may_audit(config, person),
            **values,
        )
        return web.Response(status=status, body=text.encode(), headers=_HEADERS)


def _may_audit(config: MasterConfig, person: User) -> bool:
    return Visitor(person, config.web.policy).refusal(READ, "audit") is None


def _root(path: str) -> str:
    """Return the way to the site's root: relative, so that it may live below any path of a
    proxy."""
    return "../" * (path.partition("?")[0].count("/") - 1)


def _pages(path: str) -> str:
    """Return the way to the first of the plain pages."""
    inside = path.removeprefix(f"/{PLACE}")
    return f"{_root(path)}{PLACE}/" if inside == path else _root(inside)


async def _with_logs(overview: Overview, steps: list[Resource]) -> list[Resource]:
    if not steps:
        return []
    ids = tuple(step["stepid"] for step in steps)
    logs = await overview.rows(
        "logs", filters=(Filter("stepid", Operator.IN, ids),), order=(Order("logid"),)
    )
    by_step: dict[int, list[Resource]] = defaultdict(list)
    for log in logs:
        by_step[log["stepid"]].append(log)
    return [step | {"logs": by_step[step["stepid"]]} for step in steps]


async def _reason(overview: Overview, build: Resource) -> str:
    requests = await overview.rows(
        "buildrequests", scope={"buildrequestid": build["buildrequestid"]}
    )
    if not requests:
        return ""
    buildsets = await overview.rows("buildsets", scope={"bsid": requests[0]["buildsetid"]})
    return str(buildsets[0]["reason"]) if buildsets else ""


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for phrase in (duration, ago, moment, web_link, first_line, short):
        environment.filters[phrase.__name__] = phrase
    return environment
