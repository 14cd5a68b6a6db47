"""Logs in the REST API: ranges of lines, and whole texts to view or download."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

import msgspec
from aiohttp import web

from chargehand.domain.build import LogType
from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.query import Query, Scope
from chargehand.resources.visibility import Visibility
from chargehand.web.access.logs import SeenLog, SeenLogs
from chargehand.web.ports import Resources
from chargehand.web.rest import query_string
from chargehand.web.rest.answers import Answer, failure, success
from chargehand.web.rest.reading import NotFound
from chargehand.web.rest.streams import send_pieces

_UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")

_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Logs contain untrusted output: browsers may render it, but not run, load or send anything.
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    ),
}


_FEW_LINES = 1_000
"""Lines up to which an answer is read at once, whatever their lengths."""

_KEPT_BYTES = 1024 * 1024
"""Bytes of text up to which an answer is sent whole, with an entity tag."""

_NO_CONTENT = b'""'


class LogReader:
    """Answers requests for the text of logs."""

    def __init__(self, *, resources: Resources, logs: SeenLogs) -> None:
        self._resources = resources
        self._logs = logs

    async def contents(
        self,
        request: web.BaseRequest,
        sees: Visibility,
        resolved: Resolved,
        parameters: str,
        extra: dict[str, str],
        *,
        compact: bool,
    ) -> Answer | web.StreamResponse:
        """Return lines as a ``logchunk``; bytes that are not UTF-8 are replaced.

        Many lines are sent while they are read: without an entity tag, and never whole in memory.
        """
        try:
            first, count = query_string.line_range(parameters, resolved)
        except query_string.BadQuery as error:
            return failure(400, str(error))
        log = await self._find(sees, resolved)
        if count is not None and count <= _FEW_LINES:
            text = b"" if count == 0 else await log.lines(first, count)
        else:
            pieces = log.lines_in_pieces(first, count)
            begin = await _up_to(_KEPT_BYTES, pieces)
            text = b"".join(begin)
            if len(text) > _KEPT_BYTES:
                chunk = _chunk(log, first, text="")
                empty = success("logchunks", [chunk], {}, compact=compact)
                return await _send_chunk(request, empty, extra, _chained(begin, pieces))
        if first and not text and first >= log.row["num_lines"]:
            raise NotFound("not found: the log has fewer lines")
        chunk = _chunk(log, first, text=text.decode(errors="replace"))
        return success("logchunks", [chunk], {}, compact=compact)

    async def download(
        self,
        request: web.BaseRequest,
        sees: Visibility,
        resolved: Resolved,
        parameters: str,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        """Send the whole text as written by the command."""
        try:
            query_string.line_range(parameters, resolved)
        except query_string.BadQuery as error:
            return failure(400, str(error)).response(headers)
        log = await self._find(sees, resolved)
        origin = await self._origin(sees, log.row)
        raw = await log.raw()
        heading = _heading(origin) if log.row["type"] == LogType.STDIO else b""
        kind = "html" if log.row["type"] == LogType.HTML else "plain"
        response = web.StreamResponse(
            headers=_SAFE_HEADERS | {"Content-Type": f"text/{kind}; charset=utf-8"} | headers
        )
        if resolved.endpoint.form == "raw":
            disposition = f"attachment; filename={_file_name(origin, log.row)}"
            response.headers["Content-Disposition"] = disposition
        response.content_length = len(heading) + raw.size
        await send_pieces(request, response, _chained([heading], raw.chunks))
        return response

    async def _find(self, sees: Visibility, resolved: Resolved) -> SeenLog:
        if not resolved.scope:
            raise NotFound("not found: no log is named")
        log = await self._logs.find(sees, resolved.scope)
        if log is None:
            raise NotFound(f"not found: logs {resolved.scope}")
        return log

    async def _origin(self, sees: Visibility, log: Resource) -> Resource:
        step = await self._one(sees, "steps", {"stepid": log["stepid"]})
        build = await self._one(sees, "builds", {"buildid": step["buildid"]})
        builder = await self._one(sees, "builders", {"builderid": build["builderid"]})
        of_build = {"workerid": build["workerid"]}
        workers = await self._resources.fetch(
            Query(kind="workers", sees=sees, scope=of_build, fields=("name",))
        )
        return {
            "builder": builder["name"],
            "number": build["number"],
            "step": step["name"],
            "worker": workers.rows[0]["name"] if workers.rows else "",
        }

    async def _one(self, sees: Visibility, kind: str, scope: Scope) -> Resource:
        page = await self._resources.fetch(Query(kind=kind, sees=sees, scope=scope))
        if not page.rows:
            raise NotFound(f"not found: {kind} {scope}")
        return page.rows[0]


def _chunk(log: SeenLog, first: int, *, text: str) -> Resource:
    return {"logid": log.id, "firstline": first, "content": text}


async def _up_to(size: int, pieces: AsyncIterator[bytes]) -> list[bytes]:
    """Take pieces until there are no more, or more than *size* bytes."""
    taken: list[bytes] = []
    async for piece in pieces:
        taken.append(piece)
        size -= len(piece)
        if size < 0:
            break
    return taken


async def _chained(begin: Sequence[bytes], others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for piece in begin:
        yield piece
    async for piece in others:
        yield piece


async def _send_chunk(
    request: web.BaseRequest, empty: Answer, extra: dict[str, str], text: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Send an answer whose content is still empty, with this text as its content."""
    headers = empty.headers() | {"Cache-Control": "no-store"} | extra
    del headers["ETag"]
    response = web.StreamResponse(headers=headers)
    before, _, after = empty.body.partition(_NO_CONTENT)

    async def pieces() -> AsyncIterator[bytes]:
        yield before + b'"'
        # Whole lines: no character is cut.
        async for piece in text:
            yield msgspec.json.encode(piece.decode(errors="replace"))[1:-1]
        yield b'"' + after

    await send_pieces(request, response, pieces())
    return response


def _heading(origin: Resource) -> bytes:
    return (
        f"Builder: {origin['builder']}\n"
        f"Build number: {origin['number']}\n"
        f"Worker name: {origin['worker']}\n"
    ).encode()


def _file_name(origin: Resource, log: Resource) -> str:
    name = f"{origin['builder']}_build_{origin['number']}_step_{origin['step']}_log_{log['slug']}"
    return _UNSAFE_IN_NAMES.sub("_", name)
