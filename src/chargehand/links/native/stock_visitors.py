"""Stock workers that were given the master's web port, or one of native workers: both sides are
told where they connect."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from chargehand.fleet.remote import RemoteWorkers
from chargehand.kit.peers import peer_name
from chargehand_wire.http_login import basic_pair


class StockVisitors:
    """Recognises the requests of stock workers that speak MessagePack, and turns them away.

    They ask for a websocket at ``/`` with name and password, and show in their log nothing of an
    answer but its first line.
    """

    def __init__(
        self, *, workers: RemoteWorkers, protocol: str, port: Callable[[], int | None]
    ) -> None:
        """*port* returns the number of the port for their *protocol*, if there is one."""
        self._workers = workers
        self._protocol = protocol
        self._port = port

    def __call__(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Return the answer to such a worker, and tell of it; None for everybody else."""
        headers = request.headers
        if headers.get("Upgrade", "").lower() != "websocket" or request.raw_path != "/":
            return None
        login = basic_pair(headers.get("Authorization", ""))
        if login is None or "Origin" in headers or "Sec-WebSocket-Protocol" in headers:
            return None
        assert request.transport is not None
        _, address = peer_name(request.transport)
        where = self._where()
        reason = f"it came to the wrong port; stock workers over {self._protocol} {where}"
        self._workers.refused(login[0], reason, address=address)
        told = f"wrong port; workers over {self._protocol} {where}"
        answer = web.Response(status=404, reason=told, text=f"{told}\n")
        answer.force_close()
        return answer

    def _where(self) -> str:
        number = self._port()
        if number is None:
            return f"need a port in c['protocols']['{self._protocol}']"
        return f"connect to port {number}"
