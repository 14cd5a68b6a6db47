"""REST requests to a world's master, over real HTTP through a unix socket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import aiohttp
import msgspec

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Row: TypeAlias = "dict[str, Json]"


class Refused(Exception):
    """The master answered with an error."""

    def __init__(self, status: int, answer: Json) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status
        self.answer = answer


class Client:
    """Asks one master."""

    def __init__(self, socket: Path) -> None:
        self._session = aiohttp.ClientSession(
            "http://localhost",
            connector=aiohttp.UnixConnector(str(socket)),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def close(self) -> None:
        """Give the connections up."""
        await self._session.close()

    async def fetch(self, path: str, body: Json = None) -> bytes:
        """GET a path of the server, or POST when there is a body. Raises Refused."""
        method = "GET" if body is None else "POST"
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if data else {}
        url = f"/{path.lstrip('/')}"
        async with self._session.request(method, url, data=data, headers=headers) as response:
            answer = await response.read()
            if response.status >= 400:
                raise Refused(response.status, _decoded(answer))
            return answer

    async def rows(self, path: str) -> list[Row]:
        """Return the resources at a path below ``/api/v2``."""
        answer: dict[str, list[Row]] = msgspec.json.decode(await self.fetch(f"api/v2/{path}"))
        (plural,) = answer.keys() - {"meta"}
        return answer[plural]

    async def call(self, path: str, method: str, parameters: Mapping[str, Json]) -> Json:
        """Call a control method below ``/api/v2``, and return its result."""
        call: Json = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(parameters)}
        answer: dict[str, Json] = msgspec.json.decode(await self.fetch(f"api/v2/{path}", call))
        return answer["result"]


def quoted(text: str) -> str:
    """Return a name as it stands in a path."""
    return quote(text, safe="")


def _decoded(answer: bytes) -> Json:
    try:
        decoded: Json = msgspec.json.decode(answer)
        return decoded
    except msgspec.DecodeError:
        return answer.decode(errors="replace")
