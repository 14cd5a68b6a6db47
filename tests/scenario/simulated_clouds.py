"""Servers that imitate OpenStack, UpCloud and Marathon, as far as our workers use them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SimulatedCloud:
    """What they have in common: requests are noted, and a request can be made to fail."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.bodies: list[Any] = []
        self.failures: dict[str, tuple[int, Any]] = {}
        """Status and body by "METHOD path"."""
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application(middlewares=[self._noted])
        self.route(app.router)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def route(self, router: web.UrlDispatcher) -> None:
        raise NotImplementedError

    def may(self, request: web.Request) -> bool:
        """Return whether the request has the right credentials."""
        raise NotImplementedError

    @property
    def _noted(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        @web.middleware
        async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
            what = f"{request.method} {request.path}"
            self.requests.append(what)
            text = await request.text()
            if text:
                self.bodies.append(json.loads(text))
            if what in self.failures:
                status, body = self.failures[what]
                return web.json_response(body, status=status)
            if not self.may(request):
                return web.json_response({"error": {"message": "Unauthorized"}}, status=401)
            return await handler(request)

        return noted


class SimulatedOpenStack(SimulatedCloud):
    """Identity, compute and image service."""

    TOKEN = "a token"

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, dict[str, Any]] = {}
        self.next_status = "ACTIVE"
        self.logins: list[Any] = []

    def may(self, request: web.Request) -> bool:
        is_login = request.path == "/identity/v3/auth/tokens"
        return is_login or request.headers.get("X-Auth-Token") == self.TOKEN

    def route(self, router: web.UrlDispatcher) -> None:
        router.add_post("/identity/v3/auth/tokens", self._log_in)
        router.add_get("/compute/flavors/detail", self._flavors)
        router.add_get("/image/v2/images", self._images)
        router.add_get("/image/v2/images/{id}", self._image)
        router.add_post("/compute/servers", self._create)
        router.add_get("/compute/servers/detail", self._list)
        router.add_get("/compute/servers/{id}", self._get)
        router.add_delete("/compute/servers/{id}", self._delete)

    async def _log_in(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.logins.append(body["auth"])
        given = body["auth"]["identity"].get("password", {}).get("user", {})
        if given and given["password"] != "os secret":
            words = "The request you have made requires authentication."
            return web.json_response({"error": {"message": words, "code": 401}}, status=401)

        def service(kind: str, path: str) -> dict[str, Any]:
            regions = [
                {"interface": "public", "region": region, "url": f"{self.url}{path}{end}"}
                for region, end in (("one", ""), ("two", "-elsewhere"))
            ]
            return {"type": kind, "endpoints": regions}

        catalog = [service("compute", "/compute"), service("image", "/image")]
        headers = {"X-Subject-Token": self.TOKEN}
        return web.json_response({"token": {"catalog": catalog}}, headers=headers, status=201)

    async def _flavors(self, request: web.Request) -> web.Response:
        flavors = [
            {"id": "1", "name": "m1.small", "ram": 2048, "vcpus": 1},
            {"id": "2", "name": "m1.large", "ram": 8192, "vcpus": 4},
        ]
        return _one_at_a_time(request, "flavors", flavors)

    async def _images(self, request: web.Request) -> web.Response:
        images = [
            {"id": "i-1", "name": "builder-1", "created_at": "2026-01-01T00:00:00Z"},
            {"id": "i-2", "name": "builder-2", "created_at": "2026-02-01T00:00:00Z"},
        ]
        return _one_at_a_time(request, "images", images)

    async def _image(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != "d-2":
            return web.json_response({"message": "No image found."}, status=404)
        return web.json_response({"id": "d-2", "min_disk": 1, "size": 3 * 2**30 + 1})

    async def _create(self, request: web.Request) -> web.Response:
        server = (await request.json())["server"]
        identifier = f"server-{len(self.servers) + 1}"
        made = {**server, "id": identifier, "status": self.next_status}
        if self.next_status == "ERROR":
            made["fault"] = {"message": "No valid host was found."}
        self.servers[identifier] = made
        return web.json_response({"server": {"id": identifier}}, status=202)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"servers": list(self.servers.values())})

    async def _get(self, request: web.Request) -> web.Response:
        server = self.servers.get(request.match_info["id"])
        if server is None:
            words = {"itemNotFound": {"code": 404, "message": "Instance could not be found."}}
            return web.json_response(words, status=404)
        return web.json_response({"server": server})

    async def _delete(self, request: web.Request) -> web.Response:
        found = self.servers.pop(request.match_info["id"], None)
        return web.Response(status=404 if found is None else 204)


class SimulatedUpcloud(SimulatedCloud):
    """Servers of UpCloud, which must be stopped before they are deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, dict[str, Any]] = {}

    def may(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == "Basic Y2k6YXBpIHNlY3JldA=="

    def route(self, router: web.UrlDispatcher) -> None:
        router.add_get("/storage/template", self._templates)
        router.add_post("/server", self._create)
        router.add_get("/server", self._list)
        router.add_get("/server/{id}", self._get)
        router.add_post("/server/{id}/stop", self._stop)
        router.add_delete("/server/{id}", self._delete)

    async def _templates(self, request: web.Request) -> web.Response:
        found = [{"uuid": "t-12", "title": "Debian GNU/Linux 12 (Bookworm)"}]
        return web.json_response({"storages": {"storage": found}})

    async def _create(self, request: web.Request) -> web.Response:
        server = (await request.json())["server"]
        made = {**server, "uuid": f"u-{len(self.servers) + 1}", "state": "maintenance"}
        self.servers[made["uuid"]] = made
        return web.json_response({"server": made}, status=202)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"servers": {"server": list(self.servers.values())}})

    async def _get(self, request: web.Request) -> web.Response:
        server = self.servers.get(request.match_info["id"])
        if server is None:
            return _upcloud_error(404, "SERVER_NOT_FOUND", "The server does not exist.")
        answer = web.json_response({"server": server})
        if server["state"] == "maintenance":
            server["state"] = "started"
        return answer

    async def _stop(self, request: web.Request) -> web.Response:
        server = self.servers[request.match_info["id"]]
        server["state"] = "stopped"
        return web.json_response({"server": server})

    async def _delete(self, request: web.Request) -> web.Response:
        server = self.servers[request.match_info["id"]]
        if server["state"] != "stopped" or request.query.get("storages") != "1":
            return _upcloud_error(409, "SERVER_STATE_ILLEGAL", "The server is not stopped.")
        del self.servers[request.match_info["id"]]
        return web.Response(status=204)


def _upcloud_error(status: int, code: str, message: str) -> web.Response:
    body = {"error": {"error_code": code, "error_message": message}}
    return web.json_response(body, status=status)


class SimulatedMarathon(SimulatedCloud):
    """Applications of Marathon."""

    def __init__(self) -> None:
        super().__init__()
        self.apps: dict[str, dict[str, Any]] = {}

    def may(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == "Basic Y2k6YXBpIHNlY3JldA=="

    def route(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v2/apps", self._list)
        router.add_put("/v2/apps{id:/.+}", self._put)
        router.add_get("/v2/apps{id:/.+}", self._get)
        router.add_delete("/v2/apps{id:/.+}", self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"apps": list(self.apps.values())})

    async def _put(self, request: web.Request) -> web.Response:
        self.apps[request.match_info["id"]] = {**await request.json(), "tasksRunning": 1}
        return web.json_response({"version": "1", "deploymentId": "2"}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        app = self.apps.get(request.match_info["id"])
        if app is None:
            words = {"message": f"App '{request.match_info['id']}' does not exist"}
            return web.json_response(words, status=404)
        return web.json_response({"app": app})

    async def _delete(self, request: web.Request) -> web.Response:
        found = self.apps.pop(request.match_info["id"], None)
        return web.json_response({}, status=404 if found is None else 200)


def _one_at_a_time(
    request: web.Request, kind: str, everything: list[dict[str, Any]]
) -> web.Response:
    """Answer with the next of a list: a service tells no more than it likes to, and a link."""
    marker = request.query.get("marker")
    rest = everything
    while marker is not None and rest and rest.pop(0)["id"] != marker:
        pass
    link = {"flavors": "flavors_links", "images": "next"}[kind]
    more = {link: "…"} if len(rest) > 1 else {}
    return web.json_response({kind: rest[:1], **more})
