"""A stock worker over MessagePack, as a master sees it, in the test's own process."""

from __future__ import annotations

import asyncio
import base64
import stat
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

Answer = Callable[[str, str, dict[str, Any]], list[list[Any]] | None]
"""Returns what a command sends, by its identifier, name and arguments; None: it does not end."""


class MsgpackWorker:
    """Its connection, its directories (below ``/w``), and what it was asked to do."""

    def __init__(self) -> None:
        self.directories = {"info"}
        self.files = {"twistd.log"}
        self.info: dict[str, Any] = {
            "admin": "Ann",
            "version": "4.3.0",
            "basedir": "/w",
            "system": "posix",
            "environ": {"HOME": "/h"},
            "worker_commands": {},
        }
        self.asked: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {}
        self.read: list[bytes] = []
        """What it has read of files that the master sends."""
        self._numbers = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._http: ClientSession | None = None
        self.socket: ClientWebSocketResponse | None = None

    async def connect(self, port: int, name: str = "arm-7", password: str = "right") -> None:
        """Log in; raises what the master answers."""
        login = base64.b64encode(f"{name}:{password}".encode()).decode()
        self._http = ClientSession(headers={"Authorization": f"Basic {login}"})
        try:
            self.socket = await self._http.ws_connect(f"http://127.0.0.1:{port}")
        except Exception:
            await self._http.close()
            raise
        self._begin(self._serve(self.socket))

    async def disconnect(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            await self.socket.close()
        if self._http is not None:
            await self._http.close()

    async def call(self, op: str, **fields: Any) -> Any:
        """Call the master; return its answer."""
        self._numbers += 1
        future = self._answers[self._numbers] = asyncio.get_running_loop().create_future()
        await self._say(op=op, seq_number=self._numbers, **fields)
        return await future

    def ops(self, op: str) -> list[dict[str, Any]]:
        """Return what it was asked by an operation."""
        return [message for message in self.asked if message["op"] == op]

    @property
    def commands(self) -> list[str]:
        """The names of the commands that it was given."""
        return [message["command_name"] for message in self.ops("start_command")]

    def _begin(self, work: Any) -> None:
        self._tasks.add(asyncio.ensure_future(work))

    async def _say(self, **message: Any) -> None:
        assert self.socket is not None
        await self.socket.send_bytes(msgspec.msgpack.encode(message))

    async def _serve(self, socket: ClientWebSocketResponse) -> None:
        async for received in socket:
            if received.type is not WSMsgType.BINARY:
                continue
            message = msgspec.msgpack.decode(received.data)
            if message["op"] == "response":
                self._answers.pop(message["seq_number"]).set_result(message["result"])
                continue
            self.asked.append(message)
            answer = {"op": "response", "seq_number": message["seq_number"], "result": None}
            match message["op"]:
                case "get_worker_info":
                    answer["result"] = self.info
                case "set_worker_settings":
                    self.settings = message["args"]
                case "start_command":
                    self._begin(self._command(message))
            await self._say(**answer)

    async def _command(self, message: dict[str, Any]) -> None:
        arguments, updates = message["args"], [["rc", 0]]
        match message["command_name"]:
            case "mkdir":
                self.directories.update(path.removeprefix("/w/") for path in arguments["paths"])
            case "rmdir":
                self.directories.difference_update(
                    path.removeprefix("/w/") for path in arguments["paths"]
                )
            case "listdir":
                updates.insert(0, ["files", sorted(self.directories | self.files)])
            case "stat":
                is_one = arguments["path"].removeprefix("/w/") in self.directories
                mode = stat.S_IFDIR if is_one else stat.S_IFREG
                updates.insert(0, ["stat", [mode | 0o755, *range(9)]])
            case "download_file":
                command_id = message["command_id"]
                while data := await self.call("update_read_file", command_id=command_id, length=4):
                    self.read.append(data)
                await self.call("update_read_file_close", command_id=command_id)
        await self.call("update", command_id=message["command_id"], args=updates)
        await self.call("complete", command_id=message["command_id"], args=None)
