"""A worker's websocket: what it says and hears, wherever its bytes are cut."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chargehand_wire.framing import ProtocolError
from chargehand_wire.login import credentials, login_headers, offered_versions, wrong_version
from chargehand_wire.master_address import BadAddress, master_address
from chargehand_wire.messages import PROTOCOL_VERSION
from chargehand_wire.websocket import ClientSocket, Refused
from chargehand_wire.websocket_frames import Closed, Frames


def opened() -> ClientSocket:
    socket = ClientSocket(host="ci:8010", path="/worker/v1", headers={})
    assert socket.receive(accepted(socket)) == []
    return socket


def accepted(socket: ClientSocket, upgrade: str = "websocket", more: str = "") -> bytes:
    key = socket.request().decode().partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    accept = base64.b64encode(digest).decode()
    head = f"HTTP/1.1 101 Switching\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Accept: {accept}"
    return f"{head}{more}\r\n\r\n".encode()


def offering() -> ClientSocket:
    return ClientSocket(host="ci", path="/", headers={}, offers_unmasked=True)


def server_frame(opcode: int, body: bytes, *, is_final: bool = True) -> bytes:
    first = (0x80 if is_final else 0) | opcode
    if len(body) < 126:
        return bytes((first, len(body))) + body
    if len(body) < 65536:
        return bytes((first, 126)) + len(body).to_bytes(2, "big") + body
    return bytes((first, 127)) + len(body).to_bytes(8, "big") + body


def unmasked(frame: bytes) -> tuple[int, bytes]:
    length, at = frame[1] & 0x7F, 2
    if length >= 126:
        size = 2 if length == 126 else 8
        length, at = int.from_bytes(frame[2 : 2 + size], "big"), 2 + size
    mask, body = frame[at : at + 4], frame[at + 4 :]
    assert len(body) == length
    return frame[0], bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))


def large(smallest: int, largest: int) -> st.SearchStrategy[bytes]:
    """Many bytes from few that Hypothesis draws: it fails a test that draws too much."""
    return st.builds(
        lambda size, pattern: (pattern * size)[:size],
        st.integers(smallest, largest),
        st.binary(min_size=1, max_size=60),
    )


@settings(max_examples=30)
@given(
    st.lists(st.binary(max_size=300) | large(300, 70_000), max_size=5),
    st.lists(st.integers(1, 2000), min_size=1),
)
def test_the_stream_arrives_wherever_it_is_cut(messages: list[bytes], cuts: list[int]):
    socket = ClientSocket(host="ci", path="/", headers={})
    data = accepted(socket)
    for message in messages:
        data += server_frame(9, b"hello") + server_frame(2, message[:7], is_final=False)
        data += server_frame(0, message[7:])

    heard = b""
    place = 0
    while data:
        cut = cuts[place % len(cuts)]
        heard += b"".join(socket.receive(data[:cut]))
        data, place = data[cut:], place + 1

    assert heard == b"".join(messages)
    pong = socket.take()[: 2 + 4 + 5]
    assert not messages or unmasked(pong) == (0x8A, b"hello")


@settings(max_examples=20)
@example(bytes(range(256)) * 64)
@example(bytes(range(251)) * 131)
@given(st.binary(max_size=200) | large(65_000, 66_000))
def test_what_it_says_is_masked_and_whole(piece: bytes):
    assert unmasked(b"".join(opened().data(piece))) == (0x82, piece)


@settings(max_examples=30)
@given(
    st.lists(st.binary(max_size=300) | large(16_000, 17_000), max_size=5),
    st.lists(st.integers(1, 2000), min_size=1),
)
def test_without_masks_both_sides_hear_what_the_other_says(pieces: list[bytes], cuts: list[int]):
    worker, master = offering(), Frames(is_masking=False)
    assert b"\r\nUpgrade: chargehand-worker, websocket\r\n" in worker.request()
    down = accepted(worker, "Chargehand-Worker")
    assert worker.receive(down) == []
    up = worker.ping() + b"".join(part for piece in pieces for part in worker.data(piece))

    heard = b""
    place = 0
    while up:
        cut = cuts[place % len(cuts)]
        heard += b"".join(master.feed(up[:cut]))
        up, place = up[cut:], place + 1
    said = [b"".join(master.data(piece)) for piece in pieces]
    answered = b"".join(worker.receive(master.take() + b"".join(said) + master.close(b"bye")))

    assert heard == answered == b"".join(pieces)
    assert worker.is_unmasked
    assert worker.closed == Closed(1000, "bye")


def test_a_server_that_knows_websockets_only_gets_masked_frames():
    worker = offering()
    worker.receive(accepted(worker))

    assert unmasked(b"".join(worker.data(b"x"))) == (0x82, b"x")
    assert not worker.is_unmasked


@pytest.mark.parametrize("upgrade", ["chargehand-worker", "h2c"])
def test_what_was_not_offered_is_not_spoken(upgrade: str):
    worker = ClientSocket(host="ci", path="/", headers={})

    with pytest.raises(ProtocolError, match=upgrade):
        worker.receive(accepted(worker, upgrade))


@pytest.mark.parametrize("answered", ["", "\r\nSec-WebSocket-Protocol: chat"])
def test_a_server_with_websockets_for_something_else_is_no_master(answered: str):
    worker = ClientSocket(host="ci", path="/", headers=login_headers("arm-7", "x"))

    with pytest.raises(ProtocolError, match=r"but not for chargehand\.worker"):
        worker.receive(accepted(worker, more=answered))


def test_masked_frames_are_refused_where_nobody_masks():
    said = b"".join(opened().data(b"x"))

    with pytest.raises(ProtocolError):
        Frames(is_masking=False).feed(said)


def test_a_refusal_is_told_when_all_of_it_has_come():
    socket = ClientSocket(host="ci", path="/", headers={})
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\n"

    assert socket.receive(head + b"wrong ") == []
    with pytest.raises(Refused) as refused:
        socket.receive(b"password")

    assert (refused.value.status, refused.value.text) == (403, "wrong password")


def test_a_refusal_may_end_with_the_connection():
    socket = ClientSocket(host="ci", path="/", headers={})
    socket.receive(b"HTTP/1.0 502 Bad Gateway\r\n\r\nno master")

    with pytest.raises(Refused, match="no master"):
        socket.ended()


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x00\x00\x0fPB",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 " + b"x" * 70_000,
    ],
)
def test_what_is_no_master_is_recognised(answer: bytes):
    with pytest.raises(ProtocolError):
        ClientSocket(host="ci", path="/", headers={}).receive(answer)


@pytest.mark.parametrize(
    "frame", [b"\xc2\x01x", b"\x82\x81\0\0\0\0x", b"\x81\x01x", b"\x83\x00", b"\x89\x7e\0\xff"]
)
def test_frames_that_nobody_agreed_to_end_it(frame: bytes):
    with pytest.raises(ProtocolError):
        opened().receive(frame)


def test_what_comes_before_a_close_arrives_and_the_close_has_its_reason():
    socket = opened()

    pieces = socket.receive(server_frame(2, b"x") + server_frame(8, b"\x03\xe8bye") + b"rest")

    assert pieces == [b"x"]
    assert socket.closed == Closed(1000, "bye")


@pytest.mark.parametrize(
    ("typed", "host", "port", "is_tls", "path"),
    [
        ("ci.example.org", "ci.example.org", 8010, False, "/worker/v1"),
        ("ci.example.org:8020", "ci.example.org", 8020, False, "/worker/v1"),
        ("http://ci.example.org", "ci.example.org", 80, False, "/worker/v1"),
        ("https://ci.example.org/", "ci.example.org", 443, True, "/worker/v1"),
        ("wss://ci.example.org/ci", "ci.example.org", 443, True, "/ci/worker/v1"),
        ("ws://10.0.0.1:8010/worker/v1/", "10.0.0.1", 8010, False, "/worker/v1"),
        ("[::1]:8010", "::1", 8010, False, "/worker/v1"),
        (" HTTPS://[fe80::1]:8443 ", "fe80::1", 8443, True, "/worker/v1"),
    ],
)
def test_addresses_are_read_as_people_type_them(
    typed: str, host: str, port: int, is_tls: bool, path: str
):
    found = master_address(typed)

    assert (found.host, found.port, found.is_tls, found.path) == (host, port, is_tls, path)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "http://",
        "ftp://ci",
        "ci:http",
        "ci:0",
        "ci:65536",
        "http://u:p@ci",
        "http://ci/?x=1",
        "[::1",
    ],
)
def test_what_is_no_address_is_refused_with_what_was_typed(typed: str):
    with pytest.raises(BadAddress, match="is not a master's address") as refused:
        master_address(typed)

    assert f'"{typed}"' in str(refused.value)
    assert ("a number from 1 to 65535" in str(refused.value)) is typed.startswith("ci:")


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_any_name_and_password_arrive(name: str, password: str):
    headers = login_headers(name, password)

    assert credentials(headers["Authorization"]) == (name, password)
    assert offered_versions(headers["Sec-WebSocket-Protocol"]) == [PROTOCOL_VERSION]


@given(st.text(max_size=40))
def test_other_headers_are_no_login(header: str):
    assert credentials(header) is None or header.lower().startswith("basic")


def test_who_is_older_is_told_to_upgrade():
    assert wrong_version("w", [1]).endswith("upgrade the worker")
    assert wrong_version("w", [PROTOCOL_VERSION + 1]).endswith("upgrade the master")
