"""Live events as server-sent events: ``/sse/listen``, ``/sse/add``, ``/sse/remove``."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial

import msgspec
from aiohttp import web

from chargehand.kit.limits import time_limit
from chargehand.kit.tasks import Tasks
from chargehand.resources.announcements import Key
from chargehand.resources.policy import Visitor
from chargehand.web.access.proxies import address_of
from chargehand.web.live.broadcast import LiveEvents
from chargehand.web.live.client import FULL, Client, Format, abort, has_room
from chargehand.web.live.limits import LimitExceeded, checked_pattern
from chargehand.web.protocol import end_turn
from chargehand.web.shares import address_key

_COMMENT_INTERVAL = 30.0


def _event(key: Key, body: bytes, identifier: str) -> bytes:
    begin = f"id: {identifier}\n".encode() if identifier else b""
    data = b'{"key":' + msgspec.json.encode(key) + b',"message":' + body + b"}"
    return begin + b"event: event\ndata: " + data + b"\n\n"


_FORMAT = Format(event=_event)


class EventStreams:
    """Serves streams until the client disconnects or `close` is called."""

    def __init__(self, *, live: LiveEvents) -> None:
        self._live = live
        self._clients: dict[str, Client] = {}
        self._tasks = Tasks("event streams")

    async def serve(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        segments: tuple[str, ...],
        headers: dict[str, str],
    ) -> web.StreamResponse:
        """Answer ``/sse/<segments>``."""
        match segments:
            case ("listen", *rest):
                if not has_room(request, self._live.allowance):
                    return _plain(503, FULL.rstrip(), headers | {"Retry-After": "10"})
                answer = partial(self._listen, request, visitor)
            case ("add" | "remove" as action, identifier, *rest):
                answer = partial(self._change, request, action, identifier)
            case _:
                return _plain(400, "invalid path", headers)
        try:
            pattern = checked_pattern("/".join(rest)) if rest else ()
            return await answer(pattern, headers)
        except LimitExceeded as error:
            return _plain(400, str(error), headers)

    def give_up(self, user_name: str | None = None) -> None:
        """Drop all connections, or those of one user: their clients' permissions have changed."""
        for client in [*self._clients.values()]:
            if user_name in (None, client.user_name):
                client.give_up()

    async def close(self) -> None:
        """End all streams."""
        await self._tasks.close()

    async def _listen(
        self, request: web.BaseRequest, visitor: Visitor, pattern: Key, headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",
            }
            | headers
        )
        identifier = str(uuid.uuid4())
        client = Client(
            name=f"event stream client {address_of(request)}",
            address=address_key(address_of(request)),
            sees=visitor.sees,
            user_name=visitor.user.name,
            sent_as=_FORMAT,
            abort=partial(abort, request),
            allowance=self._live.allowance,
            beat=self._live.beat,
        )
        client.push(f"event: handshake\ndata: {identifier}\n\n".encode())
        try:
            if pattern:
                self._subscribe(request, client, pattern)
            await response.prepare(request)
            end_turn(request)
            self._clients[identifier] = client
            sender = self._tasks.spawn(_send(response, client), name=client.name)
            try:
                await asyncio.wait({sender})
            finally:
                sender.cancel()
        finally:
            self._live.forget(client)
            self._clients.pop(identifier, None)
        return response

    async def _change(
        self,
        request: web.BaseRequest,
        action: str,
        identifier: str,
        pattern: Key,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        client = self._clients.get(identifier)
        if client is None:
            return _plain(400, "unknown uuid", headers)
        if not pattern:
            return _plain(400, "invalid path", headers)
        if action == "remove":
            if not self._live.remove(client, pattern):
                return _plain(404, "consumer is not listening to this event", headers)
        else:
            self._subscribe(request, client, pattern)
        return _plain(200, "ok", headers)

    def _subscribe(self, request: web.BaseRequest, client: Client, pattern: Key) -> None:
        """Subscribe the client, from what it received last if it says so. Raises LimitExceeded."""
        since = request.headers.get("Last-Event-ID", request.query.get("last_event_id"))
        if since is None:
            self._live.add(client, pattern)
            return
        resumed = self._live.resume(client, pattern, since)
        data = {"last_event_id": resumed.last_event_id, "is_complete": resumed.is_complete}
        # Browsers say by themselves where they were, and so they have to know.
        frame = f"id: {resumed.last_event_id}\nevent: resumed\ndata: ".encode()
        client.push(frame + msgspec.json.encode(data) + b"\n\n")
        self._live.replay(client, resumed.missed)


async def _send(response: web.StreamResponse, client: Client) -> None:
    try:
        while (data := await _next(client)) is not None:
            await response.write(data)
    except ConnectionError:
        pass  # The client disconnected.


async def _next(client: Client) -> bytes | None:
    """Return the next data; sometimes a comment, because only writing detects lost clients."""
    try:
        async with time_limit(_COMMENT_INTERVAL):
            return await client.next()
    except TimeoutError:
        return b":\n\n"


def _plain(status: int, text: str, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=headers)
