"""Plain pages rendered here: what runs and ran, one build with its logs, and errors."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.kit.clock import Clock
from chargehand.resources.query import Filter, Operator, Order
from chargehand.web.overview import Overview
from chargehand.web.phrases import ago, duration, moment, web_link
from chargehand.web.ports import Explanations, ForceForms, Resources
from chargehand.web.reading import NotFound, resolved_path

_HERE = Path(__file__).parent
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
        forms: ForceForms,
        clock: Clock,
    ) -> None:
        self.config = config
        self._overview = Overview(resources=resources, explanations=explanations, forms=forms)
        self._clock = clock
        self._templates = _templates()
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
            return await self._lists(path, None)
        resolved = resolved_path(path.strip("/"))
        endpoint = resolved.endpoint
        if endpoint.kind in {"builds", "builders"} and not endpoint.is_collection:
            found = await self._overview.rows(endpoint.kind, scope=resolved.scope)
            if found:
                make = self._build if endpoint.kind == "builds" else self._lists
                return await make(path, found[0])
        raise NotFound("There is no such page.")

    async def _lists(self, path: str, builder: Row | None) -> web.StreamResponse:
        return self._page(path, "lists.html", **await self._overview.lists(builder))

    async def _build(self, path: str, build: Row) -> web.StreamResponse:
        overview = self._overview
        names = await overview.builder_names([build])
        (marked,) = await overview.marked("build", [build])
        steps = await overview.rows(
            "steps",
            scope={"buildid": build["buildid"]},
            order=(Order("number"),),
            limit=_ALL_STEPS,
        )
        workers = await overview.rows("workers", scope={"workerid": build["workerid"]})
        return self._page(
            path,
            "build.html",
            build=marked | {"builder": names.get(build["builderid"], "?")},
            worker=workers[0]["name"] if workers else "?",
            reason=await self._reason(build),
            steps=await self._with_logs(await overview.marked("step", steps)),
        )

    async def _with_logs(self, steps: list[Row]) -> list[Row]:
        if not steps:
            return []
        ids = tuple(step["stepid"] for step in steps)
        logs = await self._overview.rows(
            "logs", filters=(Filter("stepid", Operator.IN, ids),), order=(Order("logid"),)
        )
        by_step: dict[int, list[Row]] = defaultdict(list)
        for log in logs:
            by_step[log["stepid"]].append(log)
        return [step | {"logs": by_step[step["stepid"]]} for step in steps]

    async def _reason(self, build: Row) -> str:
        requests = await self._overview.rows(
            "buildrequests", scope={"buildrequestid": build["buildrequestid"]}
        )
        if not requests:
            return ""
        buildsets = await self._overview.rows(
            "buildsets", scope={"bsid": requests[0]["buildsetid"]}
        )
        return str(buildsets[0]["reason"]) if buildsets else ""

    def _page(self, path: str, template: str, status: int = 200, **values: Any) -> web.Response:
        # Links are relative, so that the site may live below any path of a proxy.
        root = "../" * (path.partition("?")[0].count("/") - 1)
        now = self._clock.timestamp()
        text = self._templates.get_template(template).render(
            site=self.config, root=root, now=now, **values
        )
        return web.Response(status=status, body=text.encode(), headers=_HEADERS)


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for phrase in (duration, ago, moment, web_link):
        environment.filters[phrase.__name__] = phrase
    return environment
