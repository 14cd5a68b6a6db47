"""Plain pages rendered here: recent builds, one build with its logs, and errors."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.domain.identifiers import BuilderId, RequestId
from chargehand.domain.query import Filter, Operator, Order, Query
from chargehand.domain.result import Result
from chargehand.domain.waiting import Waiting
from chargehand.kit.clock import Clock
from chargehand.web.ports import Explanations, Resources
from chargehand.web.reading import NotFound, resolved_path

_HERE = Path(__file__).parent
_RECENT = 50
_WAITING = 50
_ALL_STEPS = 1000

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

Row = dict[str, Any]


class Pages:
    """Renders pages from the store, with links that work below any path of a proxy."""

    def __init__(
        self,
        *,
        config: MasterConfig,
        resources: Resources,
        explanations: Explanations,
        clock: Clock,
    ) -> None:
        self.config = config
        self._resources = resources
        self._explanations = explanations
        self._clock = clock
        self._templates = _templates(clock)
        self._static = {file.name: file.read_bytes() for file in (_HERE / "static").iterdir()}

    def static(self, name: str) -> web.StreamResponse:
        """Return a file that the pages use. Raises NotFound."""
        if name not in self._static:
            raise NotFound("There is no such file.")
        kind = _STATIC_TYPES[Path(name).suffix]
        headers = {"Content-Type": kind, "Cache-Control": "no-cache"}
        return web.Response(body=self._static[name], headers=headers)

    def error(self, path: str, status: int, message: str) -> web.StreamResponse:
        """Return a page that says what went wrong."""
        heading = {404: "Not found", 500: "Something went wrong"}.get(status, "Error")
        return self._page(path, "error.html", status, heading=heading, message=message)

    async def page(self, path: str) -> web.StreamResponse:
        """Return the page at *path*: of everything, a builder, or a build. Raises NotFound."""
        if path == "/":
            return await self._builds(path, None)
        resolved = resolved_path(path.strip("/"))
        endpoint = resolved.endpoint
        if endpoint.kind in {"builds", "builders"} and not endpoint.is_collection:
            found = await self._rows(endpoint.kind, scope=resolved.scope)
            if found:
                make = self._build if endpoint.kind == "builds" else self._builds
                return await make(path, found[0])
        raise NotFound("There is no such page.")

    async def _builds(self, path: str, builder: Row | None) -> web.StreamResponse:
        scope = {"builderid": builder["builderid"]} if builder else {}
        newest = Order("buildid", descending=True)
        builds = await self._rows("builds", scope=scope, order=(newest,), limit=_RECENT)
        waiting = await self._resources.fetch(
            Query(
                kind="buildrequests",
                scope=scope,
                filters=(
                    Filter("complete", Operator.EQ, (False,)),
                    Filter("claimed", Operator.EQ, (False,)),
                ),
                order=(Order("priority", descending=True), Order("submitted_at")),
                limit=_WAITING,
            )
        )
        names = await self._builder_names([*builds, *waiting.rows])
        reasons = self._explanations.why_these_wait(
            {RequestId(row["buildrequestid"]): BuilderId(row["builderid"]) for row in waiting.rows}
        )
        requests = [
            row | {"builder": names.get(row["builderid"], "?"), "why": _sentence(reasons, row)}
            for row in waiting.rows
        ]
        return self._page(
            path,
            "builds.html",
            builder=builder,
            builds=[_marked(row) | {"builder": names.get(row["builderid"], "?")} for row in builds],
            waiting=requests,
            more_waiting=waiting.total - len(requests),
        )

    async def _build(self, path: str, build: Row) -> web.StreamResponse:
        names = await self._builder_names([build])
        steps = await self._rows(
            "steps",
            scope={"buildid": build["buildid"]},
            order=(Order("number"),),
            limit=_ALL_STEPS,
        )
        workers = await self._rows("workers", scope={"workerid": build["workerid"]})
        return self._page(
            path,
            "build.html",
            build=_marked(build) | {"builder": names.get(build["builderid"], "?")},
            worker=workers[0]["name"] if workers else "?",
            reason=await self._reason(build),
            steps=await self._with_logs(steps),
        )

    async def _with_logs(self, steps: list[Row]) -> list[Row]:
        if not steps:
            return []
        ids = tuple(step["stepid"] for step in steps)
        logs = await self._rows(
            "logs", filters=(Filter("stepid", Operator.IN, ids),), order=(Order("logid"),)
        )
        by_step: dict[int, list[Row]] = defaultdict(list)
        for log in logs:
            by_step[log["stepid"]].append(log)
        return [_marked(step) | {"logs": by_step[step["stepid"]]} for step in steps]

    async def _reason(self, build: Row) -> str:
        requests = await self._rows(
            "buildrequests", scope={"buildrequestid": build["buildrequestid"]}
        )
        if not requests:
            return ""
        buildsets = await self._rows("buildsets", scope={"bsid": requests[0]["buildsetid"]})
        return str(buildsets[0]["reason"]) if buildsets else ""

    async def _builder_names(self, rows: list[Row]) -> dict[int, str]:
        ids = tuple({row["builderid"] for row in rows})
        if not ids:
            return {}
        builders = await self._rows(
            "builders",
            filters=(Filter("builderid", Operator.IN, ids),),
            fields=("builderid", "name"),
        )
        return {row["builderid"]: row["name"] for row in builders}

    async def _rows(self, kind: str, **question: Any) -> list[Row]:
        return (await self._resources.fetch(Query(kind=kind, **question))).rows

    def _page(self, path: str, template: str, status: int = 200, **values: Any) -> web.Response:
        # Links are relative, so that the site may live below any path of a proxy.
        root = "../" * (path.partition("?")[0].count("/") - 1)
        text = self._templates.get_template(template).render(site=self.config, root=root, **values)
        return web.Response(status=status, body=text.encode(), headers=_HEADERS)


def _templates(clock: Clock) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    environment.filters["ago"] = lambda then: f"{duration(int(clock.timestamp()) - then)} ago"
    environment.filters["web_link"] = web_link
    return environment


def duration(seconds: int) -> str:
    """Return a length of time as people say it, in at most two units."""
    seconds = max(0, seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def web_link(url: str) -> str:
    """Return *url* if it is one to follow: never ``javascript:`` and the like."""
    try:
        scheme = urlsplit(url.strip()).scheme
    except ValueError:
        return "#"
    return url if scheme in {"http", "https", "mailto", "ftp", ""} else "#"


def _sentence(reasons: dict[RequestId, Waiting], request: Row) -> str:
    reason = reasons.get(RequestId(request["buildrequestid"]))
    return reason.sentence if reason else ""


def _marked(row: Row) -> Row:
    """Add the word for the mark: the result, or that it runs or waits."""
    if row["results"] is not None:
        return row | {"word": Result(row["results"]).word}
    return row | {"word": "running" if row["started_at"] is not None else "waiting"}
