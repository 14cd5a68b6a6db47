"""What builds need of a worker: a scripted session and the real protocol keep its promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from chargehand.domain.command import Command, CommandUpdate, Output
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import CommandRefused, Session
from chargehand.logs.segments import lines_of
from chargehand.testing.scripted_session import Script, ScriptedSession
from chargehand.testing.world import Outcome, WorldWorker
from chargehand.testing.world.link import WorldLink

_numbers = count(1)


def _command(name: str) -> Command:
    arguments = {"command": [name], "workdir": "build"}
    return Command(id=CommandId(f"c{next(_numbers)}"), name="shell", arguments=arguments)


@dataclass
class Heard:
    """What a command said."""

    text: str = ""
    values: dict[str, object] = field(default_factory=dict)

    def receive(self, update: CommandUpdate) -> None:
        if isinstance(update, Output):
            self.text += lines_of(update.segment).decode()
        else:
            self.values[update.key] = update.value


@dataclass(kw_only=True)
class Given:
    session: Session
    is_running: Callable[[], bool]

    async def begin(self, command: Command, heard: Heard) -> asyncio.Task[None]:
        """Begin a command, and return when it runs at the worker."""
        task = asyncio.create_task(self.session.run(command, heard.receive))
        while not self.is_running():
            await asyncio.sleep(0)
        return task


class Registry:
    """Hands on what is attached."""

    def __init__(self) -> None:
        self.attached: asyncio.Queue[Session] = asyncio.Queue()

    async def attach(self, session: Session) -> None:
        self.attached.put_nowait(session)

    def changed(self, session: Session) -> None:
        pass

    def is_idle(self, worker_name: str) -> bool:
        return True

    def login_refused(self, worker_name: str, reason: str) -> None:
        raise AssertionError(f"worker {worker_name} was refused: {reason}")

    async def stop_requested(self, worker_name: str) -> None:
        raise AssertionError(f"worker {worker_name} asked to be shut down")

    def not_started(self, worker_name: str, reason: str) -> None:
        raise AssertionError(f"worker {worker_name} could not be started: {reason}")

    async def detach(self, session: Session, reason: str) -> None:
        pass


def scripted() -> Given:
    scripts = {
        "speak": Script(stdout="one\ntwo\n", rc=3, values={"stat": [1, 2]}),
        "hang": Script(hangs=True),
        "refuse": Script(error=CommandRefused("no such command")),
    }
    session = ScriptedSession(lambda command: scripts[command.arguments["command"][0]])
    return Given(session=session, is_running=session.running.is_set)


async def over_the_wire(basedir: Path) -> tuple[Given, WorldLink]:
    worker = WorldWorker(name="w1", basedir=basedir, usual=lambda _: Outcome())
    worker.on("speak", output="one\ntwo\n", rc=3, values={"stat": [1, 2]})
    worker.on("hang", hangs=True)
    worker.on("refuse", refusal="no such command")
    registry = Registry()
    link = WorldLink(worker=worker, registry=registry)
    await link.start()
    session = await registry.attached.get()
    return Given(session=session, is_running=lambda: bool(worker.running)), link


@pytest.fixture(params=["scripted", "wire"])
async def given(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Given]:
    if request.param == "scripted":
        yield scripted()
        return
    found, link = await over_the_wire(tmp_path)
    yield found
    await link.stop()


async def test_a_session_says_whose_it_is(given: Given) -> None:
    assert given.session.worker_name == "w1"
    assert given.session.info.basedir
    assert "shell" in given.session.info.commands


async def test_what_a_command_says_is_heard_before_it_is_over(given: Given) -> None:
    heard = Heard()

    await given.session.prepare(["b"])
    await given.session.run(_command("speak"), heard.receive)

    assert "oone\notwo\n" in heard.text
    assert heard.values["rc"] == 3
    assert heard.values["stat"] == [1, 2]


async def test_a_command_that_cannot_be_run_is_refused_with_the_reason(given: Given) -> None:
    with pytest.raises(CommandRefused, match="no such command"):
        await given.session.run(_command("refuse"), Heard().receive)


async def test_an_interrupted_command_ends_and_says_so(given: Given) -> None:
    heard, command = Heard(), _command("hang")
    task = await given.begin(command, heard)

    await given.session.interrupt(command, "enough")
    await task

    assert heard.values["rc"] == -1


async def test_what_is_interrupted_twice_or_too_late_is_left_alone(given: Given) -> None:
    heard, command = Heard(), _command("hang")
    task = await given.begin(command, heard)

    await given.session.interrupt(command, "enough")
    await given.session.interrupt(command, "enough, really")
    await task
    await given.session.interrupt(command, "is it over?")

    assert heard.values["rc"] == -1
