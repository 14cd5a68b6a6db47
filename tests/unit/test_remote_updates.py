"""Commands of users hear what the worker sends, as they could in every release of Buildbot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from twisted.internet import defer

from buildbot.plugins import steps, util
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import EXCEPTION, RETRY, SUCCESS
from buildbot.test.steps import Expect, TestBuildStepMixin


class Old(RemoteCommand):
    """Written for a release before 3: it hears dictionaries."""

    def __init__(self) -> None:
        super().__init__("wash", {})
        self.heard: list[Any] = []

    @defer.inlineCallbacks
    def remoteUpdate(self, update: dict[str, Any]) -> Any:
        self.heard.append(update)
        yield super().remoteUpdate(update)


class New(RemoteCommand):
    """Takes its time for the first value; the second one waits for its turn."""

    def __init__(self) -> None:
        super().__init__("wash", {})
        self.heard: list[Any] = []

    async def remoteUpdate(self, key: str, value: Any, is_flushed: bool) -> None:
        for _ in range(0 if self.heard else 9):
            await asyncio.sleep(0)
        self.heard.append((key, value, is_flushed))
        await super().remoteUpdate(key, value, is_flushed)


class Noting(RemoteCommand):
    def __init__(self) -> None:
        super().__init__("wash", {})
        self.heard: list[str] = []

    def remoteUpdate(self, key: str, value: Any, is_flushed: bool) -> None:
        self.heard.append(key)


class Failing(RemoteCommand):
    def __init__(self) -> None:
        super().__init__("wash", {})
        self.calls = 0

    def remoteUpdate(self, key: str, value: Any, is_flushed: bool) -> None:
        self.calls += 1
        raise ValueError("not washable")


class Wash(steps.BuildStep):
    name = "wash"

    def __init__(self, command: RemoteCommand) -> None:
        super().__init__()
        self.wash = command

    async def run(self) -> int:
        await self.runCommand(self.wash)
        return util.SUCCESS if self.wash.rc == 0 else util.FAILURE


class WashAndLookAround(Wash):
    """Notes that its command has ended, and takes a little longer."""

    def __init__(self, command: Noting) -> None:
        super().__init__(command)
        self.heard = command.heard

    async def run(self) -> int:
        try:
            return await super().run()
        finally:
            self.heard.append("the command has ended")
            for _ in range(20):
                await asyncio.sleep(0)


class Washing(TestBuildStepMixin):
    """The kit, in tests that are functions."""

    def run(self, command: RemoteCommand, result: int) -> None:
        self.setup_test_build_step()
        self.setup_step(Wash(command))
        self.expect_commands(
            Expect("wash", {}).update("spin", 800).stdout("wet\n").update("spin", 1200).exit(0)
        )
        self.expect_outcome(result=result)
        self.run_step()


@pytest.mark.parametrize(
    ("command", "heard"),
    [
        (Old, [{"spin": 800}, {"spin": 1200}, {"rc": 0}]),
        (New, [("spin", 800, False), ("spin", 1200, False), ("rc", 0, False)]),
    ],
)
def test_a_command_hears_each_value_in_its_order(command: Any, heard: list[Any]) -> None:
    made = command()

    Washing().run(made, SUCCESS)

    assert made.heard == heard
    assert made.updates["spin"] == [800, 1200]


def test_a_command_that_cannot_bear_what_it_hears_ends_its_step() -> None:
    made = Failing()

    Washing().run(made, EXCEPTION)

    assert made.calls == 1


def test_a_command_whose_worker_is_lost_hears_nothing_more() -> None:
    made = Noting()
    kit = Washing()
    kit.setup_test_build_step()
    kit.setup_step(WashAndLookAround(made))
    kit.expect_commands(Expect("wash", {}).update("spin", 800).break_connection())
    kit.expect_outcome(result=RETRY)

    kit.run_step()

    assert made.heard == ["the command has ended"]
