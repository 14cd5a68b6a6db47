"""A Docker engine for tests, of the requests that workers in containers make."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web


class SimulatedEngine:
    """Has images and containers in memory; ``requests`` are those that it got."""

    def __init__(self) -> None:
        self.images = {"worker:latest"}
        self.containers: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.built: list[dict[str, str]] = []
        self.logins: list[object] = []
        """With what images were pulled and built."""
        self.refuses_to_start = ""
        self.refuses_to_build: dict[str, str] = {}
        self.state: dict[str, Any] = {"Status": "running"}
        self.output = b""

    @asynccontextmanager
    async def at(self, socket: Path) -> AsyncIterator[str]:
        """Serve at a unix socket; gives the address for ``docker_host``."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, str(socket)).start()
        try:
            yield f"unix://{socket}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.requests.append(f"{request.method} {path}")
        kind, _, rest = path.partition("/")
        if path in ("build", "images/create"):
            self.logins.append(_login(request))
        if kind == "build":
            self.built.append(dict(request.query))
            if self.refuses_to_build:
                lines = [{"stream": "Step 1\n"}, {"stream": "make: ***\n"}, self.refuses_to_build]
                return web.Response(text="\n".join(map(json.dumps, lines)))
            self.images.add(request.query["t"])
            return web.Response(text='{"stream": "Step 1"}\n{"stream": "done"}\n')
        if kind == "images":
            return self._image(request, rest)
        return await self._container(request, rest)

    def _image(self, request: web.Request, rest: str) -> web.StreamResponse:
        if rest == "create":
            if request.query["fromImage"] == "private":
                return web.Response(text='{"status": "Pulling"}\n{"error": "access denied"}\n')
            self.images.add(f"{request.query['fromImage']}:{request.query['tag']}")
            return web.Response(text='{"status": "Pulling"}\n')
        name = rest.removesuffix("/json")
        if name in self.images or f"{name}:latest" in self.images:
            return web.json_response({"Id": name})
        if name.endswith("-"):
            words = f"no such image: {name}: invalid reference format"
            return web.json_response({"message": words}, status=400)
        return web.json_response({"message": f"No such image: {name}"}, status=404)

    async def _container(self, request: web.Request, rest: str) -> web.StreamResponse:
        if rest == "create":
            name = request.query["name"]
            self.containers[name] = json.loads(await request.read())
            return web.json_response({"Id": name}, status=201)
        if rest == "json":
            (label,) = json.loads(request.query["filters"])["label"]
            key, _, value = label.partition("=")
            return web.json_response(
                [
                    {"Id": name, "Labels": one["Labels"]}
                    for name, one in self.containers.items()
                    if one["Labels"].get(key) == value
                ]
            )
        name, _, what = rest.partition("/")
        if name not in self.containers:
            return web.json_response({"message": f"No such container: {name}"}, status=404)
        return self._one(request, name, what)

    def _one(self, request: web.Request, name: str, what: str) -> web.StreamResponse:
        if request.method == "DELETE":
            del self.containers[name]
            return web.Response(status=204)
        match what:
            case "start" if self.refuses_to_start:
                return web.json_response({"message": self.refuses_to_start}, status=500)
            case "logs":
                head = b"\x01\0\0\0" + len(self.output).to_bytes(4, "big")
                return web.Response(body=head + self.output)
            case "json":
                return web.json_response({"State": self.state})
            case _:
                return web.Response(status=204)


def _login(request: web.Request) -> object:
    for name in ("X-Registry-Auth", "X-Registry-Config"):
        if name in request.headers:
            return json.loads(base64.urlsafe_b64decode(request.headers[name]))
    return None
