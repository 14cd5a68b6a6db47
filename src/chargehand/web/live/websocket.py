"""The live event socket ``/ws``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
from aiohttp import WSMsgType, web

from chargehand.kit.tasks import Tasks
from chargehand.resources.announcements import Key
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.web.access.proxies import address_of
from chargehand.web.json_faults import lone_surrogate
from chargehand.web.live.broadcast import LiveEvents, Resumed
from chargehand.web.live.client import FULL, Client, Format, abort, has_room
from chargehand.web.live.limits import LimitExceeded, checked_pattern
from chargehand.web.protocol import end_turn, send_framed
from chargehand.web.shares import address_key

_MAX_MESSAGE = 64 * 1024
_CLOSE_SECONDS = 2.0


def _event(key: Key, body: bytes, identifier: str) -> bytes:
    end = b',"id":' + msgspec.json.encode(identifier) + b"}" if identifier else b"}"
    return b'{"k":' + msgspec.json.encode("/".join(key)) + b',"m":' + body + end


def _framed(message: bytes) -> bytes:
    """Return the text frame of a message: not masked, and so the same for all clients."""
    size = len(message)
    if size < 126:
        return bytes((_TEXT, size)) + message
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + message
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + message


def _list_of(messages: Sequence[bytes]) -> bytes:
    return _framed(b"[" + b",".join(messages) + b"]")


_TEXT = 0x81
"""The first byte of a frame that is a whole text message."""
_EACH = Format(event=_event, framed=_framed)
TOGETHER = Format(event=_event, together=_list_of)
"""For clients that ask for lists: a browser works on each message by itself."""


class Refused(Exception):
    """A command failed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class EventSocket:
    """Serves websocket clients until they disconnect or `close` is called."""

    def __init__(self, *, live: LiveEvents) -> None:
        self._live = live
        self._clients: dict[web.WebSocketResponse, Client] = {}
        self._tasks = Tasks("live events")

    async def serve(
        self, request: web.BaseRequest, visitor: Visitor, ping_interval: float
    ) -> web.StreamResponse:
        """Answer commands and send events until either side closes."""
        socket = web.WebSocketResponse(
            compress=False,
            heartbeat=ping_interval or None,
            max_msg_size=_MAX_MESSAGE,
            timeout=_CLOSE_SECONDS,
        )
        if not socket.can_prepare(request):
            return web.Response(status=426, text="this is a websocket\n", headers=_UPGRADE)
        if not has_room(request, self._live.allowance):
            return web.Response(status=503, text=FULL, headers={"Retry-After": "10"})
        await socket.prepare(request)
        end_turn(request)
        is_page = "together" in request.query
        client = Client(
            name=f"websocket client {address_of(request)}",
            address=address_key(address_of(request)),
            sees=visitor.sees,
            user_name=visitor.user.name,
            sent_as=TOGETHER if is_page else _EACH,
            abort=partial(abort, request),
            allowance=self._live.allowance,
            beat=self._live.pages_beat if is_page else self._live.beat,
        )
        self._clients[socket] = client
        sender = self._tasks.spawn(_send(request, socket, client), name=client.name)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._answer(client, message.data)
        finally:
            self._live.forget(client)
            del self._clients[socket]
            sender.cancel()
        return socket

    def give_up(self, user_name: str | None = None) -> None:
        """Drop all connections, or those of one user: their clients' permissions have changed."""
        for client in [*self._clients.values()]:
            if user_name in (None, client.user_name):
                client.give_up()

    async def close(self) -> None:
        """Close all connections."""
        closings = (
            socket.close(code=1001, message=b"the master is stopping") for socket in self._clients
        )
        await asyncio.gather(*closings)
        await self._tasks.close()

    def _answer(self, client: Client, text: str) -> None:
        call_id: object = None
        resumed: Resumed | None = None
        try:
            frame = _parsed(text)
            call_id = frame.get("_id")
            message, resumed = self._carry_out(client, frame)
            body = {"msg": message, "code": 200, "_id": call_id}
        except Refused as error:
            body = {"error": str(error), "code": error.code, "_id": call_id}
        if resumed is not None:
            body |= {"last_event_id": resumed.last_event_id, "is_complete": resumed.is_complete}
        client.push(client.sent_as.framed(msgspec.json.encode(body)))
        if resumed is not None:
            self._live.replay(client, resumed.missed)

    def _carry_out(self, client: Client, frame: Resource) -> tuple[str, Resumed | None]:
        match frame["cmd"]:
            case "ping":
                return "pong", None
            case "startConsuming":
                pattern, since = _pattern(frame), _last_event_id(frame)
                try:
                    if since is not None:
                        return "OK", self._live.resume(client, pattern, since)
                    self._live.add(client, pattern)
                except LimitExceeded as error:
                    raise Refused(400, str(error)) from error
                return "OK", None
            case "stopConsuming":
                if not self._live.remove(client, _pattern(frame)):
                    raise Refused(400, f"path was not consumed '{frame['path']}'")
                return "OK", None
            case other:
                raise Refused(404, f"no such command type '{other}'")


_UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}


async def _send(request: web.BaseRequest, socket: web.WebSocketResponse, client: Client) -> None:
    try:
        while (data := await client.next()) is not None and not socket.closed:
            await send_framed(request, data)
    except ConnectionError:
        pass  # The client disconnected; the reading side notices as well.


def _parsed(text: str) -> Resource:
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        lone = lone_surrogate(text.encode("utf-8", "surrogatepass"))
        reason = f": {lone}" if lone else ""
        raise Refused(400, f"a websocket frame must be JSON{reason}") from None
    if not isinstance(frame, dict) or "_id" not in frame:
        raise Refused(400, "no '_id' or 'type' in websocket frame")
    if "cmd" not in frame:
        raise Refused(400, "no 'cmd' in websocket frame")
    return frame


def _last_event_id(frame: Resource) -> str | None:
    since = frame.get("last_event_id")
    if since is not None and not isinstance(since, str):
        raise Refused(400, "last_event_id must be a string")
    return since


def _pattern(frame: Resource) -> Key:
    if "path" not in frame:
        raise Refused(400, "Invalid method argument: 'path' is missing")
    path = frame["path"]
    if not isinstance(path, str):
        raise Refused(400, f"invalid path format '{path}'")
    try:
        return checked_pattern(path)
    except LimitExceeded as error:
        raise Refused(400, str(error)) from error
