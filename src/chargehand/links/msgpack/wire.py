"""Orders to a worker over MessagePack: each message is a map, each request is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from chargehand.domain.session import CommandRefused, WorkerLost
from chargehand.domain.worker import WorkerInfo
from chargehand.kit.tasks import Tasks
from chargehand.links.msgpack.directories import OUTPUTS, Directories, OwnCommand
from chargehand.links.msgpack.failures import in_short
from chargehand.links.msgpack.orders import Orders
from chargehand.links.stock.info import worker_info
from chargehand.links.stock.ports import Receiver
from chargehand_wire.framing import ProtocolError

_LATE = 2.0
"""Seconds that updates may come after the end of their command."""
SETTINGS = {
    # A worker takes a third less time for output in messages of this size than of 64 KiB.
    "buffer_size": 1024 * 1024,
    "buffer_timeout": 0.5,
    # The ends of lines of Buildbot's default. Because this begins with a set of letters, the
    # worker finds them in a sixth of the time.
    "newline_re": (
        r"([\r\x1b\x08](?:(?<=\r)(?:\n|(?=.))|(?<=\x1b)\[(?:u|2J|[0-9]+;[0-9]+[Hf])"
        r"|(?<=\x08)\x08*))"
    ),
    # Stock workers lose a part of each line that is longer.
    "max_line_length": 2**30,
}
"""How workers are to buffer and cut output."""


class Hold(Protocol):
    """Stops receiving, or goes on."""

    def __call__(self, *, is_held: bool) -> None: ...


class MsgpackWire:
    """Implements Wire of ``links.stock.ports``; *send* sends one message, *close* closes the
    connection, *hold* stops receiving or goes on."""

    def __init__(
        self,
        *,
        send: Callable[[bytes], None],
        close: Callable[[], None],
        hold: Hold,
    ) -> None:
        self._send = send
        self._close = close
        self._hold = hold
        self._last_number = -1
        self._calls: dict[int, asyncio.Future[object]] = {}
        self._receivers: dict[str, Receiver] = {}
        self._orders = Orders(WorkerInfo())
        self._last_own = 0
        self._is_lost = False
        self._tasks = Tasks("worker over msgpack")
        self._directories = self._new_directories(deletes=False)

    async def introduce(self, directories: Mapping[str, str]) -> WorkerInfo:
        """Get to know the worker, and make its directories. Raises CommandRefused."""
        await self._call("print", message="attached")
        told = await self._call("get_worker_info")
        if not isinstance(told, Mapping):
            raise CommandRefused("the worker does not describe itself")
        info = worker_info({str(key): value for key, value in told.items()}, "msgpack")
        self._orders = Orders(info)
        await self._call("set_worker_settings", args=SETTINGS)
        self._directories = self._new_directories(deletes=bool(told.get("delete_leftover_dirs")))
        await self._directories.prepare(["info"])
        await self.set_builders(directories, may_forget=True)
        return info

    # Wire

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that the worker has these directories. Raises CommandRefused."""
        await self._directories.prepare(builddirs)

    async def set_builders(self, directories: Mapping[str, str], *, may_forget: bool) -> None:
        """Make the directories of these builders; delete others if the worker is set up so."""
        await self._directories.configure([*directories.values()], may_forget=may_forget)

    def _new_directories(self, *, deletes: bool) -> Directories:
        return Directories(self._run_own, orders=self._orders, tasks=self._tasks, deletes=deletes)

    async def _run_own(self, name: str, arguments: Mapping[str, object]) -> OwnCommand:
        """Run a command for the master itself; return it when it has ended."""
        self._last_own += 1
        own, number = OwnCommand(), f"own-{self._last_own}"
        self._receivers[number] = own
        try:
            await self._call("start_command", command_id=number, command_name=name, args=arguments)
            await own.ended
        finally:
            self._receivers.pop(number, None)
        return own

    async def start(
        self,
        command_id: str,
        name: str,
        arguments: dict[str, Any],
        builddir: str,
        receiver: Receiver,
    ) -> None:
        """Start a command. Raises CommandRefused if it cannot be sent."""
        name, told = self._orders.order(name, arguments, builddir)
        self._receivers[command_id] = receiver
        try:
            started = self._request(
                "start_command",
                command_id=command_id,
                command_name=name,
                builder_name=builddir,
                args=told,
            )
        except BaseException:
            self._receivers.pop(command_id, None)
            raise
        started.add_done_callback(lambda future: self._started(command_id, future))

    def interrupt(self, command_id: str, reason: str) -> None:
        """Ask the worker to kill a command."""
        if command_id in self._receivers and not self._is_lost:
            self._request("interrupt_command", command_id=command_id, why=reason, builder_name="")

    async def ping(self, message: str) -> None:
        """Wait until the worker answers."""
        if message == "keepalive":
            await self._call("keepalive")
        else:
            await self._call("print", message=message)

    async def shut_down(self) -> None:
        """Have the worker's process exit."""
        await self._call("shutdown")

    def close(self) -> None:
        """Close the connection."""
        self._close()

    def hold(self, *, is_held: bool) -> None:
        """Receive no more for the moment, or go on."""
        self._hold(is_held=is_held)

    # The connection

    def received(self, data: bytes) -> None:
        """Take a message. Raises ProtocolError."""
        try:
            message = msgspec.msgpack.decode(data)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ProtocolError(f"a message that is not MessagePack: {error}") from error
        match message:
            case {"op": "response", "seq_number": int() as number}:
                self._answered(number, message)
            case {"op": str() as op, "seq_number": int() as number}:
                self._handle(op, number, message)
            case _:
                raise ProtocolError("a message without an operation")

    def lost(self) -> None:
        """Note that the connection is closed: fail all requests."""
        self._is_lost = True
        calls, self._calls = self._calls, {}
        for future in calls.values():
            _fail(future, WorkerLost("the connection was lost"))
        for receiver in self._receivers.values():
            if isinstance(receiver, OwnCommand):
                receiver.lose()
        self._receivers.clear()

    async def _call(self, op: str, **fields: object) -> object:
        return await self._request(op, **fields)

    def _request(self, op: str, **fields: object) -> asyncio.Future[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self._is_lost:
            _fail(future, WorkerLost("the connection was lost"))
            return future
        self._last_number += 1
        try:
            data = msgspec.msgpack.encode({"op": op, "seq_number": self._last_number, **fields})
        except UnicodeEncodeError as error:
            raise CommandRefused(
                f"{error.object!r} has characters that cannot be sent to this worker: "
                "not valid Unicode"
            ) from error
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise CommandRefused(f"this cannot be sent to the worker: {error}") from error
        self._calls[self._last_number] = future
        self._send(data)
        return future

    def _answered(self, number: int, message: Mapping[str, object]) -> None:
        future = self._calls.pop(number, None)
        if future is None or future.done():
            return
        if message.get("is_exception"):
            _fail(future, CommandRefused(str(message.get("result"))))
        else:
            future.set_result(message.get("result"))

    def _answer(self, number: int, result: object = None) -> None:
        if not self._is_lost:
            answer = {"op": "response", "seq_number": number, "result": result}
            self._send(msgspec.msgpack.encode(answer))

    def _refuse(self, number: int, reason: str) -> None:
        answer = {"op": "response", "seq_number": number, "result": reason, "is_exception": True}
        self._send(msgspec.msgpack.encode(answer))

    def _handle(self, op: str, number: int, message: Mapping[str, Any]) -> None:
        receiver = self._receivers.get(str(message.get("command_id")))
        if receiver is None:
            if op == "keepalive":
                self._answer(number)
            else:
                self._refuse(number, "this command has ended")
            return
        arguments = message.get("args")
        match op:
            case "update" if isinstance(arguments, list):
                _pass_on(arguments, receiver)
            case "complete":
                self._complete(str(message["command_id"]), receiver, arguments)
            case "update_upload_file_write" | "update_upload_directory_write":
                self._write(number, receiver, arguments)
                return
            case "update_upload_file_utime":
                self._take_times(receiver, message)
            case "update_read_file":
                length = message.get("length")
                size = length if isinstance(length, int) and length > 0 else 1
                self._tasks.spawn(self._read(receiver, number, size), name="read")
                return
            case (
                "update_upload_file_close"
                | "update_upload_directory_unpack"
                | "update_read_file_close"
            ):
                pass
            case _:
                self._refuse(number, f"the operation {op!r} is not known")
                return
        self._answer(number)

    def _complete(self, command_id: str, receiver: Receiver, error: object) -> None:
        if receiver.complete(None if error is None else in_short(str(error))):
            self._receivers.pop(command_id, None)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(_LATE, self._receivers.pop, command_id, None)

    def _write(self, number: int, receiver: Receiver, data: object) -> None:
        if not isinstance(data, bytes | str):
            self._refuse(number, "a piece of a file must be bytes")
            return
        receipt = receiver.write(data if isinstance(data, bytes) else data.encode())
        if receipt is None or receipt.done():
            self._answer(number)
        else:
            receipt.add_done_callback(lambda _: self._answer(number))

    @staticmethod
    def _take_times(receiver: Receiver, message: Mapping[str, Any]) -> None:
        accessed, modified = message.get("access_time"), message.get("modified_time")
        if isinstance(accessed, int | float) and isinstance(modified, int | float):
            receiver.times(accessed, modified)

    async def _read(self, receiver: Receiver, number: int, length: int) -> None:
        self._answer(number, await receiver.read(length))

    def _started(self, command_id: str, future: asyncio.Future[object]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, CommandRefused):
            receiver = self._receivers.pop(command_id, None)
            if receiver is not None:
                receiver.complete(str(error))


def _pass_on(updates: Sequence[object], receiver: Receiver) -> None:
    for update in updates:
        match update:
            case [str() as key, [str() as text, *_]] if key in OUTPUTS:
                receiver.update(key, text)
            case ["log", [str() as name, [str() as text, *_]]]:
                receiver.update("log", (name, text))
            case [str() as key, value]:
                receiver.update(key, value)
            case _:
                pass


def _fail(future: asyncio.Future[object], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()
