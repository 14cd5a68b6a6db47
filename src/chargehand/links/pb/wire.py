"""Orders to a worker over Perspective Broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

import msgspec

from chargehand.domain.session import CommandRefused, WorkerLost
from chargehand.kit.tasks import Tasks
from chargehand.links.pb.channel import CallFailed, PbChannel
from chargehand.links.pb.python_2 import wants_bytes, with_bytes
from chargehand.links.stock.ports import Receiver
from chargehand_wire.pb.connection import failure_of, text_of
from chargehand_wire.pb.events import Called
from chargehand_wire.pb.jelly import Own, Reference

_T = TypeVar("_T")
_LATE = 2.0
"""Seconds that updates may come after the end of their command."""


class _Desk(msgspec.Struct, eq=False):
    """The worker's object for a builder: it runs one command at a time, in one directory."""

    reference: Reference
    builddir: str
    is_busy: bool = False


class _Order(msgspec.Struct, eq=False):
    """A command that runs."""

    desk: _Desk
    receiver: Receiver
    owned: list[Own] = msgspec.field(default_factory=list)


class PbWire:
    """Implements Wire of ``links.stock.ports`` on a channel; *bot* is the worker's own object.

    Stock workers have an object for each builder, and drop its command when it gets another one;
    so there are as many objects for a directory as commands run there at once.
    """

    def __init__(self, *, channel: PbChannel, bot: Reference, stop_requested: Callable[[], None]):
        self._channel = channel
        self._bot = bot
        self._stop_requested = stop_requested
        self._directories: set[str] | None = None
        """Those of the configured builders, as the worker was told; None before."""
        self._desks: dict[str, _Desk] = {}
        """By the names that the worker knows."""
        self._orders: dict[str, _Order] = {}
        self._wants_bytes = False
        self._telling = asyncio.Lock()
        """Held while the worker hears of its builders."""
        self._tasks = Tasks("worker over PB")
        self.perspective = channel.own(self._called)

    # Wire

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that the worker has these directories. Raises CommandRefused."""
        async with self._telling:
            known = {desk.builddir for desk in self._desks.values()}
            if missing := {one: one for one in builddirs if one not in known}:
                await self._tell({**self._known_names(), **missing})

    async def set_builders(self, directories: Mapping[str, str], *, may_forget: bool) -> None:
        """Let the worker have these builders, with their directories. Raises CommandRefused.

        Objects stay that have a command, and those of directories that no builder has had.
        """
        async with self._telling:
            former, wanted = self._directories, {*directories.values()}
            removed = (former or set()) - wanted if may_forget else set()
            kept = {
                name: desk.builddir
                for name, desk in self._desks.items()
                if desk.is_busy or desk.builddir not in removed
            }
            names = {**directories, **kept}
            if former is None or names != self._known_names():
                await self._tell(names)
            self._directories = wanted | ((former or set()) - removed)

    async def start(
        self,
        command_id: str,
        name: str,
        arguments: dict[str, Any],
        builddir: str,
        receiver: Receiver,
    ) -> None:
        """Start a command. Raises CommandRefused if it cannot be sent."""
        desk = self._free_desk(builddir) or await self._new_desk(builddir)
        desk.is_busy = True
        order = self._orders[command_id] = _Order(desk=desk, receiver=receiver)
        try:
            told = self._with_objects(name, self._as_wanted(arguments), order)
            own = self._own(order, lambda called: self._of_command(order, command_id, called))
            self._channel.order(
                desk.reference,
                "startCommand",
                own,
                command_id,
                name,
                told,
                refused=lambda error: self._refused(command_id, error),
            )
        except BaseException:
            self._forget(command_id)
            raise

    def interrupt(self, command_id: str, reason: str) -> None:
        """Ask the worker to kill a command."""
        order = self._orders.get(command_id)
        if order is not None:
            self._channel.call(order.desk.reference, "interruptCommand", command_id, reason)

    async def ping(self, message: str) -> None:
        """Wait until the worker answers."""
        await self._channel.call(self._bot, "print", keywords={"message": message})

    async def shut_down(self) -> None:
        """Have the worker's process exit."""
        await self._channel.call(self._bot, "shutdown")

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def hold(self, *, is_held: bool) -> None:
        """Receive no more for the moment, or go on."""
        self._channel.hold(is_held=is_held)

    # The worker's own object

    async def info(self) -> Mapping[str, object]:
        """Return information about the worker. Raises CallFailed and WorkerLost."""
        told = await self._info()
        self._wants_bytes = wants_bytes(told)
        return told

    async def _info(self) -> Mapping[str, object]:
        for method in ("getWorkerInfo", "getSlaveInfo"):
            try:
                told = await self._channel.call(self._bot, method)
            except CallFailed as error:
                if error.failure.name != "NoSuchMethod":
                    raise
                continue
            found = {text_of(key): value for key, value in _mapping(told).items()}
            return found if method == "getWorkerInfo" else await self._old_info(found)
        return await self._old_info({})

    async def _old_info(self, found: dict[str, object]) -> Mapping[str, object]:
        """Complete what workers of Buildbot 0.8 say."""
        for key, method in (("slave_commands", "getCommands"), ("version", "getVersion")):
            if key not in found:
                try:
                    found[key] = await self._channel.call(self._bot, method)
                except CallFailed:
                    continue
        return found

    def _known_names(self) -> dict[str, str]:
        return {name: desk.builddir for name, desk in self._desks.items()}

    async def _tell(self, names: Mapping[str, str]) -> None:
        """Let the worker have exactly these builders, with their directories."""
        told = await self._channel.call(
            self._bot, "setBuilderList", self._as_wanted([*names.items()])
        )
        references = {text_of(key): value for key, value in _mapping(told).items()}
        for name, builddir in names.items():
            reference = references.get(name)
            if not isinstance(reference, Reference):
                raise CommandRefused(f"the worker did not create the directory {builddir!r}")
            if (desk := self._desks.get(name)) is None:
                self._desks[name] = _Desk(reference, builddir)
            else:
                desk.builddir = builddir
                self._channel.release(reference)  # Another count of one that we have.
        for name in self._desks.keys() - names.keys():
            self._channel.release(self._desks.pop(name).reference)

    def _free_desk(self, builddir: str) -> _Desk | None:
        return next(
            (d for d in self._desks.values() if d.builddir == builddir and not d.is_busy), None
        )

    async def _new_desk(self, builddir: str) -> _Desk:
        async with self._telling:
            while (desk := self._free_desk(builddir)) is None:
                names = self._known_names()
                name = next(one for one in _names_for(builddir) if one not in names)
                await self._tell({**names, name: builddir})
            return desk

    # What the worker calls

    def _called(self, called: Called) -> None:
        """A call of the master's own object."""
        match called.method:
            case "keepalive":
                self._channel.answer(called, None)
            case "shutdown":
                self._channel.answer(called, None)
                self._stop_requested()
            case method:
                self._channel.refuse(called, f"workers cannot call {method!r}")

    def _of_command(self, order: _Order, command_id: str, called: Called) -> None:
        match called.method, called.arguments:
            case "update", (list() | tuple() as updates,):
                self._channel.acknowledge(called, 0)
                _pass_on(updates, order.receiver)
            case "complete", (failure,):
                self._channel.acknowledge(called, None)
                error = None if failure is None else str(failure_of(failure))
                is_over = order.receiver.complete(error)
                self._forget(command_id, keep_listening=not is_over)
            case method, _:
                self._channel.refuse(called, f"commands have no method {method!r} like that")

    def _of_writer(self, order: _Order, called: Called) -> None:
        match called.method, called.arguments:
            case "write", (bytes() | str() as data,):
                data = data if isinstance(data, bytes) else data.encode()
                receipt = order.receiver.write(data)
                if receipt is None or receipt.done():
                    self._channel.answer(called, None)
                else:
                    receipt.add_done_callback(lambda _: self._channel.answer(called, None))
                return
            case "utime", ((int() | float() as accessed, int() | float() as modified),):
                order.receiver.times(accessed, modified)
        self._channel.answer(called, None)  # "close" and "unpack" as well

    def _of_reader(self, order: _Order, called: Called) -> None:
        match called.method, called.arguments:
            case "read", (int() as length,):
                self._tasks.spawn(self._read(order, called, length), name="read")
            case _:
                self._channel.answer(called, None)

    async def _read(self, order: _Order, called: Called, length: int) -> None:
        self._channel.answer(called, await order.receiver.read(max(length, 1)))

    # Commands

    def _as_wanted(self, value: _T) -> _T:
        return with_bytes(value) if self._wants_bytes else value

    def _with_objects(self, name: str, arguments: dict[str, Any], order: _Order) -> dict[str, Any]:
        match name:
            case "uploadFile" | "uploadDirectory":
                writer = self._own(order, lambda called: self._of_writer(order, called))
                return {**arguments, "writer": writer}
            case "downloadFile":
                reader = self._own(order, lambda called: self._of_reader(order, called))
                return {**arguments, "reader": reader}
            case _:
                return arguments

    def _own(self, order: _Order, handler: Callable[[Called], None]) -> Own:
        own = self._channel.own(handler)
        order.owned.append(own)
        return own

    def _refused(self, command_id: str, error: CallFailed) -> None:
        """The worker does not begin, and says why."""
        order = self._orders.get(command_id)
        self._forget(command_id)
        if order is not None:
            order.receiver.complete(str(error))

    def _forget(self, command_id: str, *, keep_listening: bool = False) -> None:
        order = self._orders.pop(command_id, None)
        if order is None:
            return
        order.desk.is_busy = False
        if keep_listening:
            asyncio.get_running_loop().call_later(_LATE, self._disown, order)
        else:
            self._disown(order)

    def _disown(self, order: _Order) -> None:
        for own in order.owned:
            self._channel.disown(own)


def _names_for(builddir: str) -> Iterator[str]:
    """Yield names for objects of the worker in one directory."""
    yield builddir
    for number in count(2):
        yield f"{builddir} ({number})"


def _pass_on(updates: Sequence[object], receiver: Receiver) -> None:
    for update in updates:
        if isinstance(update, list | tuple) and update and isinstance(update[0], dict):
            for key, value in update[0].items():
                receiver.update(text_of(key), value)


def _mapping(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise WorkerLost("the worker sent an invalid answer")
    return value
