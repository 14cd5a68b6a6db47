"""Perspective Broker: our servers and our client, over real sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from waiting import PATIENCE

from buildbot._border.bridge import inward
from buildbot._border.reactor import install_reactor
from buildbot.changes.perspective import ChangePerspective
from buildbot.clients.sendchange import SendChangeFailed, send
from buildbot.pbmanager import PBManager, PortTaken, Registration, UserTaken
from chargehand.kit.strangers import Strangers

_LOCAL = "tcp:0:interface=127.0.0.1"


class Received:
    """Takes changes as a master would."""

    def __init__(self) -> None:
        self.changes: list[dict[str, Any]] = []
        self.refuse: Exception | None = None

    async def add(self, **change: Any) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.changes.append(change)


@pytest.fixture
async def manager() -> PBManager:
    install_reactor(asyncio.get_running_loop())
    return PBManager()


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture
async def server(manager: PBManager, received: Received) -> AsyncIterator[Registration]:
    def perspective(mind: Any, username: str) -> ChangePerspective:
        return ChangePerspective(received.add, prefix=None)

    registration = await inward(manager.register, _LOCAL, "change", "changepw", perspective)
    yield registration
    await inward(registration.unregister)


def _address(server: Registration) -> str:
    return f"127.0.0.1:{server.getPort()}"


async def test_a_change_arrives_whole(server: Registration, received: Received) -> None:
    await send(
        master=_address(server),
        who="Ann Ö <ann@example.org>",
        files=["a", "b c"],
        comments="grün",
        revision="12",
        branch="br",
        repository="repo",
        project="prj",
        codebase="cb",
        category="cat",
        when=1000,
        properties={"p": "v"},
        revlink="http://link",
        vc="git",
    )

    assert received.changes == [
        {
            "author": "Ann Ö <ann@example.org>",
            "files": ["a", "b c"],
            "comments": "grün",
            "revision": "12",
            "branch": "br",
            "repository": "repo",
            "project": "prj",
            "codebase": "cb",
            "category": "cat",
            "when_timestamp": 1000,
            "properties": {"p": "v"},
            "revlink": "http://link",
            "src": "git",
        }
    ]


async def test_the_least_change_has_a_committer_nowhere_and_no_codebase(
    server: Registration, received: Received
) -> None:
    await send(master=_address(server), who="Ann")

    [change] = received.changes
    assert change["author"] == "Ann"
    assert change["files"] == []
    assert "codebase" not in change


@pytest.mark.parametrize(("user", "password"), [("change", "wrong"), ("nobody", "changepw")])
async def test_who_does_not_know_the_password_is_told_so(
    server: Registration,
    received: Received,
    user: str,
    password: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(SendChangeFailed, match=f"refused the user '{user}': the name or the"):
        await send(master=_address(server), who="Ann", user=user, password=password)

    assert received.changes == []
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"user '{user}' is unknown, or gave a wrong password" in record.getMessage()


async def test_a_change_that_the_master_refuses_is_reported_in_its_words(
    server: Registration, received: Received
) -> None:
    received.refuse = ValueError("the disk is full")

    with pytest.raises(SendChangeFailed, match="did not accept the change: the disk is full"):
        await send(master=_address(server), who="Ann")


async def test_what_is_no_change_is_refused_in_words(
    server: Registration, received: Received
) -> None:
    with pytest.raises(SendChangeFailed, match="did not accept the change: a property's name"):
        await send(master=_address(server), who="Ann", properties={3: "x"})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("master", "sentence"),
    [
        ("127.0.0.1:1", "127.0.0.1:1 cannot be reached .*refused"),
        ("no-such-host.invalid:9989", 'unknown host "no-such-host.invalid"'),
        ("localhost", "must be HOST:PORT"),
        ("localhost:port", "must be HOST:PORT"),
        ("localhost:99999", "must be HOST:PORT"),
    ],
)
async def test_a_master_that_is_not_there_is_an_error_in_words(master: str, sentence: str) -> None:
    with pytest.raises(SendChangeFailed, match=sentence):
        await send(master=master, who="Ann")


async def test_something_else_that_listens_is_an_error_in_words() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(SendChangeFailed, match="closed the connection"):
        await send(master=f"127.0.0.1:{port}", who="Ann")
    server.close()


async def test_texts_of_a_command_line_are_read_in_their_encoding(
    server: Registration, received: Received
) -> None:
    who = "Gr\udcfcn"  # what Python makes of the byte FC on a UTF-8 command line

    await send(master=_address(server), who=who, encoding="latin-1")
    with pytest.raises(SendChangeFailed, match="is not in the encoding utf8"):
        await send(master=_address(server), who=who)

    assert [change["author"] for change in received.changes] == ["Grün"]


async def test_users_share_a_port_until_the_last_leaves(manager: PBManager) -> None:
    one, two = Received(), Received()
    first = await inward(
        manager.register, _LOCAL, "one", "1", lambda *_: ChangePerspective(one.add, prefix=None)
    )
    second = await inward(
        manager.register, _LOCAL, "two", "2", lambda *_: ChangePerspective(two.add, prefix=None)
    )

    assert first.getPort() == second.getPort()
    await inward(first.unregister)
    await send(master=_address(second), who="Ann", user="two", password="2")
    with pytest.raises(SendChangeFailed, match="refused the user 'one'"):
        await send(master=_address(second), who="Ann", user="one", password="1")
    address = _address(second)
    await inward(second.unregister)
    with pytest.raises(SendChangeFailed, match="cannot be reached"):
        await send(master=address, who="Ann", user="two", password="2")

    assert one.changes == []
    assert len(two.changes) == 1


async def test_a_name_is_taken_once_on_a_port(manager: PBManager, server: Registration) -> None:
    with pytest.raises(UserTaken, match="has a user 'change' already"):
        await inward(manager.register, _LOCAL, "change", "x", lambda *_: None)


async def test_a_port_in_use_is_an_error_in_words(manager: PBManager, server: Registration) -> None:
    port = f"tcp:{server.getPort()}:interface=127.0.0.1"

    with pytest.raises(PortTaken, match=f"cannot listen on {port}.*in use"):
        await inward(manager.register, port, "change", "x", lambda *_: None)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["trunk/a", "other/b", "trunk/d/c"], [["a", "d/c"]]),
        (["other/b"], []),
        ([], [[]]),
    ],
)
async def test_a_prefix_chooses_files_and_is_cut_off(
    received: Received, files: list[str], expected: list[list[str]]
) -> None:
    perspective = ChangePerspective(received.add, prefix="trunk/")

    await inward(perspective.perspective_addChange, {"who": "Ann", "files": files})

    assert [change["files"] for change in received.changes] == expected


async def test_a_message_without_end_is_not_listened_to(server: Registration) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.getPort())
    chunk = _banana_length(500_000) + b"\x82" + b"x" * 500_000
    writer.write(b"\x02\x82pb" + _banana_length(600_000) + b"\x80")

    with pytest.raises(ConnectionError):
        for _ in range(200):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _banana_length(number: int) -> bytes:
    digits = []
    while number:
        digits.append(number & 0x7F)
        number >>= 7
    return bytes(digits)


# Clients that do not log in


class Silent:
    """A connection whose client does not log in."""

    def __init__(self, host: str, *, is_silent: bool = True) -> None:
        self.host = host
        self.address = f"{host}:1"
        self.is_silent = is_silent
        self.is_closed = False

    def abort(self) -> None:
        self.is_closed = True


@pytest.mark.looptime
async def test_a_client_has_its_time_to_log_in():
    strangers = Strangers("the port")
    slow, known = Silent("a"), Silent("a")
    strangers.arrive(slow)
    strangers.arrive(known)
    strangers.leave(known)

    await asyncio.sleep(29)
    assert not slow.is_closed
    await asyncio.sleep(2)

    assert (slow.is_closed, known.is_closed, len(strangers)) == (True, False, 0)


@pytest.mark.looptime
@pytest.mark.parametrize("honest", [Silent("b"), Silent("a", is_silent=False)])
async def test_of_clients_that_do_not_log_in_the_largest_share_gives_way(honest: Silent):
    strangers = Strangers("the port")
    strangers.arrive(honest)
    flood = [Silent("a") for _ in range(300)]
    for one in flood:
        strangers.arrive(one)

    assert not honest.is_closed
    assert sum(one.is_closed for one in flood) == 101
    assert flood[0].is_closed


async def test_many_clients_that_say_nothing_keep_nobody_from_logging_in(
    server: Registration, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargehand.kit.strangers._MOST", 5)
    flood = [await asyncio.open_connection("127.0.0.1", server.getPort()) for _ in range(20)]

    await send(master=_address(server), who="Ann")

    assert len(received.changes) == 1
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(flood[0][0].read(), PATIENCE)
    for _, writer in flood:
        writer.close()


@pytest.mark.looptime
async def test_the_log_tells_once_of_a_host_why_its_connections_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    strangers = Strangers("the port", silence="; perhaps it waits")
    for _ in range(3):
        strangers.arrive(Silent("a"))
        strangers.arrive(Silent("a", is_silent=False))
        await asyncio.sleep(31)
    for number in range(5):
        strangers.tell(Silent("a"), f"reason {number}")
        strangers.tell(Silent("b"), "reason 0")

    told = [
        "a:1 to the port: it has sent nothing for 30 s; perhaps it waits",
        "a:1 to the port: it has not logged in within 30 s",
        "a:1 to the port: reason 0",
        "b:1 to the port: reason 0",
    ]
    assert caplog.messages == [f"closing a connection from {line}" for line in told]
    await asyncio.sleep(600)
    strangers.tell(Silent("a"), "reason 0")
    assert caplog.messages[4:] == ["closing a connection from a:1 to the port: reason 0"]
