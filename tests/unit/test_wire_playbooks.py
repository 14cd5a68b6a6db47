"""The native protocol as conversations: each test reads like a trace of one side."""

from __future__ import annotations

from wire_playbook import Playbook, do, receive, send

from chargehand_wire.master_side import Lost, MasterSide
from chargehand_wire.messages import (
    PROTOCOL_VERSION,
    Ack,
    Complete,
    Hello,
    Input,
    InputAck,
    Interrupt,
    Kept,
    Origin,
    Segment,
    StartCommand,
    Value,
    Welcome,
)
from chargehand_wire.numbering import WINDOW, RoomAgain
from chargehand_wire.worker_side import Abandoned, WorkerSide

V = PROTOCOL_VERSION
HELLO = Hello(V, "w", "1", {})
WELCOME = Welcome(V, {})
ORIGIN = Origin(3, 7)
START = StartCommand("7-1", "shell", {"command": "make"}, "b", ORIGIN, {"stdio": "stdio"})
KEPT = Kept("7-1", 0, 0, ORIGIN, {"stdio": "stdio"})
LINE = Segment("7-1", 1, "stdio", b"zstd", 1, 5)
RC = Value("7-1", 2, "rc", 0)
END = Complete("7-1", 3)


def _start(side: MasterSide) -> None:
    side.start("7-1", "shell", {"command": "make"}, "b", origin=ORIGIN, routes={"stdio": "stdio"})


def _say_all(side: WorkerSide) -> None:
    side.output("7-1", "stdio", b"zstd", 1, 5)
    side.value("7-1", "rc", 0)
    side.complete("7-1")


def _worker() -> WorkerSide:
    return WorkerSide(name="w", incarnation="1", info={})


def test_a_command_as_the_master_sees_it() -> None:
    (
        Playbook(MasterSide())
        >> do(MasterSide.connect)
        >> receive(HELLO, HELLO)
        << send(WELCOME)
        >> do(_start)
        << send(START)
        >> receive(LINE, LINE)
        >> do(lambda side: side.acknowledge("7-1", 1))
        << send(Ack("7-1", 1))
        >> receive(RC, RC)
        >> receive(END, END)
        >> do(lambda side: side.acknowledge("7-1", 3))
        << send(Ack("7-1", 3))
    ).ends()


def test_a_command_as_the_worker_sees_it() -> None:
    (
        Playbook(_worker())
        >> do(WorkerSide.connect)
        << send(HELLO)
        >> receive(WELCOME)
        >> receive(START, START)
        >> do(_say_all)
        << send(LINE)
        << send(RC)
        << send(END)
        >> receive(Ack("7-1", 3))
        >> do(WorkerSide.connect)
        << send(HELLO)
    ).ends()


def test_what_is_said_while_the_connection_is_gone_comes_with_the_next() -> None:
    (
        Playbook(_worker())
        >> do(WorkerSide.connect)
        << send(HELLO)
        >> receive(WELCOME)
        >> receive(START, START)
        >> do(lambda side: side.output("7-1", "stdio", b"zstd", 1, 5))
        << send(LINE)
        >> receive(Ack("7-1", 1))
        >> do(WorkerSide.connect)
        << send(Hello(V, "w", "1", {}, (Kept("7-1", 1, 0, ORIGIN, {"stdio": "stdio"}),)))
        >> do(lambda side: side.value("7-1", "rc", 0))
        >> receive(Welcome(V, {"7-1": 1}))
        << send(RC)
    ).ends()


def test_what_the_master_heard_already_is_not_heard_again() -> None:
    (
        Playbook(MasterSide())
        >> do(MasterSide.connect)
        >> receive(HELLO, HELLO)
        << send(WELCOME)
        >> do(_start)
        << send(START)
        >> receive(LINE, LINE)
        >> do(MasterSide.connect)
        >> do(lambda side: side.interrupt("7-1", "enough"))
        >> receive(known := Hello(V, "w", "1", {}, (KEPT,)), known)
        << send(Welcome(V, {"7-1": 0}))
        << send(Interrupt("7-1", "enough"))
        >> receive(LINE)
        >> receive(RC, RC)
    ).ends()


def test_a_master_that_was_started_again_takes_over_what_runs() -> None:
    hello = Hello(V, "w", "1", {}, (Kept("7-1", 1, 0, ORIGIN, {"stdio": "stdio"}),))
    (
        Playbook(MasterSide())
        >> do(MasterSide.connect)
        >> do(lambda side: side.adopt(hello.commands[0]))
        >> receive(hello, hello)
        << send(Welcome(V, {"7-1": 1}))
        >> do(lambda side: side.interrupt("7-1", "the master was started again"))
        << send(Interrupt("7-1", "the master was started again"))
        >> receive(RC, RC)
        >> receive(END, END)
        >> do(lambda side: side.acknowledge("7-1", 3))
        << send(Ack("7-1", 3))
    ).ends()


def test_a_command_that_no_master_wants_is_abandoned() -> None:
    (
        Playbook(_worker())
        >> do(WorkerSide.connect)
        << send(HELLO)
        >> receive(WELCOME)
        >> receive(START, START)
        >> do(WorkerSide.connect)
        << send(Hello(V, "w", "1", {}, (KEPT,)))
        >> receive(WELCOME, Abandoned("7-1"))
    ).ends()


def test_a_worker_that_was_started_again_has_lost_its_commands() -> None:
    hello = Hello(V, "w", "2", {})
    (
        Playbook(MasterSide())
        >> do(MasterSide.connect)
        >> receive(HELLO, HELLO)
        << send(WELCOME)
        >> do(_start)
        << send(START)
        >> do(MasterSide.connect)
        >> receive(hello, hello, Lost("7-1"))
        << send(WELCOME)
    ).ends()


def test_input_is_used_up_in_order_and_sent_again_after_a_reconnect() -> None:
    again = Hello(V, "w", "1", {}, (Kept("7-1", 0, 1, ORIGIN, {"stdio": "stdio"}),))
    (
        Playbook(MasterSide())
        >> do(MasterSide.connect)
        >> receive(HELLO, HELLO)
        << send(WELCOME)
        >> do(_start)
        << send(START)
        >> do(lambda side: side.feed("7-1", b"one"))
        << send(Input("7-1", 1, b"one"))
        >> do(MasterSide.connect)
        >> do(lambda side: side.feed("7-1", b"two", is_last=True))
        >> receive(again, again)
        << send(Welcome(V, {"7-1": 0}))
        << send(Input("7-1", 1, b"one"))
        << send(Input("7-1", 2, b"two", is_last=True))
        >> receive(InputAck("7-1", 2))
    ).ends()


def test_the_worker_hears_input_once_and_says_what_it_has_used() -> None:
    one, two = Input("7-1", 1, b"one"), Input("7-1", 2, b"two", is_last=True)
    (
        Playbook(_worker())
        >> do(WorkerSide.connect)
        << send(HELLO)
        >> receive(WELCOME)
        >> receive(START, START)
        >> receive(one, one)
        >> do(lambda side: side.consumed("7-1", 1))
        << send(InputAck("7-1", 1))
        >> do(WorkerSide.connect)
        << send(Hello(V, "w", "1", {}, (Kept("7-1", 0, 1, ORIGIN, {"stdio": "stdio"}),)))
        >> receive(Welcome(V, {"7-1": 0}))
        << send(InputAck("7-1", 1))
        >> receive(one)
        >> receive(two, two)
    ).ends()


def test_a_full_window_of_input_opens_when_it_is_used_up() -> None:
    large = b"x" * WINDOW
    side = MasterSide()
    book = Playbook(side) >> do(MasterSide.connect) >> receive(HELLO, HELLO) << send(WELCOME)
    book = book >> do(_start) << send(START) >> do(lambda side: side.feed("7-1", large))
    book = book << send(Input("7-1", 1, large))
    assert not side.has_room("7-1")

    (book >> receive(InputAck("7-1", 1), RoomAgain("7-1"))).ends()

    assert side.has_room("7-1")
