"""Every way in which a published step may be written must run."""

from __future__ import annotations

import asyncio

import pytest
from step_workshop import StepWorkshop
from twisted.internet import defer
from waiting import PATIENCE

from buildbot.process.buildstep import BuildStep
from buildbot.process.remotecommand import RemoteShellCommand
from buildbot.process.results import FAILURE, SUCCESS
from chargehand.domain.result import Result
from chargehand.testing.scripted_session import Script, ScriptedSession


class Making(BuildStep):
    def make(self):
        return self.runCommand(RemoteShellCommand("build", ["make"]))


class AsyncDef(Making):
    async def run(self):
        await self.addCompleteLog("note", "hello")
        return (await self.make()).results()


class InlineCallbacks(Making):
    @defer.inlineCallbacks
    def run(self):
        yield self.addCompleteLog("note", "hello")
        command = yield self.make()
        return command.results()


class Callbacks(Making):
    def run(self):
        d = self.addCompleteLog("note", "hello")
        d.addCallback(lambda _: self.make())
        d.addCallback(lambda command: command.results())
        return d


class InlineCallbacksCallingAsyncDef(Making):
    @defer.inlineCallbacks
    def run(self):
        yield defer.ensureDeferred(self.note())
        command = yield self.make()
        return command.results()

    async def note(self):
        await self.addCompleteLog("note", "hello")


class AsyncDefCallingInlineCallbacks(Making):
    async def run(self):
        await self.note()
        return (await self.make()).results()

    @defer.inlineCallbacks
    def note(self):
        yield self.addCompleteLog("note", "hello")


class AsyncDefInParallel(Making):
    async def run(self):
        async with asyncio.TaskGroup() as group:
            group.create_task(self._note())
            command = group.create_task(self._make())
        return command.result().results()

    async def _note(self):
        await self.addCompleteLog("note", "hello")

    async def _make(self):
        return await self.make()


class Gathered(Making):
    async def run(self):
        _, command = await asyncio.gather(self.addCompleteLog("note", "hello"), self.make())
        return command.results()


class DeferredList(Making):
    async def run(self):
        done = await defer.DeferredList([self.addCompleteLog("note", "hello"), self.make()])
        return done[1][1].results()


class EnsureDeferred(Making):
    def run(self):
        return defer.ensureDeferred(self._run())

    async def _run(self):
        await self.addCompleteLog("note", "hello")
        return (await self.make()).results()


class Slept(Making):
    async def run(self):
        await asyncio.sleep(1)
        await asyncio.wait_for(self.addCompleteLog("note", "hello"), PATIENCE)
        return (await self.make()).results()


STYLES = [
    AsyncDef,
    InlineCallbacks,
    Callbacks,
    InlineCallbacksCallingAsyncDef,
    AsyncDefCallingInlineCallbacks,
    AsyncDefInParallel,
    Gathered,
    DeferredList,
    EnsureDeferred,
    Slept,
]


@pytest.mark.parametrize("exit_code", [0, 1])
@pytest.mark.parametrize("kind", STYLES)
@pytest.mark.looptime
async def test_a_step_may_be_written_in_any_style(kind, exit_code, looptime):
    workshop = StepWorkshop(kind(), session=ScriptedSession(lambda _: Script(rc=exit_code)))

    build = await workshop.run()

    assert build.result is (Result.FAILURE if exit_code else Result.SUCCESS)
    assert workshop.logs.text("note") == "hello\n"
    assert [command.arguments["command"] for command in workshop.session.commands] == [["make"]]


async def test_a_result_may_be_returned_without_waiting():
    class Plain(BuildStep):
        def run(self):
            return SUCCESS

    assert (await StepWorkshop(Plain()).run()).result is Result.SUCCESS


async def test_a_plain_deferred_can_be_awaited():
    class Waits(BuildStep):
        async def run(self):
            d = defer.Deferred()
            asyncio.get_running_loop().call_later(0, d.callback, SUCCESS)
            return await d

    assert (await StepWorkshop(Waits()).run()).result is Result.SUCCESS


async def test_a_task_started_before_the_first_await_may_await_deferreds():
    class Eager(Making):
        def run(self):
            return asyncio.ensure_future(self._run())

        async def _run(self):
            return (await self.make()).results()

    assert (await StepWorkshop(Eager()).run()).result is Result.SUCCESS


@pytest.mark.parametrize("kind", [AsyncDef, InlineCallbacks, Callbacks, EnsureDeferred])
async def test_an_error_in_the_engine_reaches_the_step_and_its_log(kind):
    refused = ScriptedSession(lambda _: Script(error=OSError("no such command")))
    workshop = StepWorkshop(kind(), session=refused)

    build = await workshop.run()

    assert build.result is Result.EXCEPTION
    assert "OSError: no such command" in workshop.logs.text("err.text")


async def test_a_step_may_catch_the_error():
    class Careful(Making):
        @defer.inlineCallbacks
        def run(self):
            try:
                yield self.make()
            except OSError:
                return FAILURE
            return SUCCESS

    refused = ScriptedSession(lambda _: Script(error=OSError("no")))

    assert (await StepWorkshop(Careful(), session=refused).run()).result is Result.FAILURE


@pytest.mark.parametrize("kind", [AsyncDef, InlineCallbacks, Callbacks, EnsureDeferred, Gathered])
async def test_stopping_the_build_stops_the_command(kind):
    workshop = StepWorkshop(kind(), session=ScriptedSession(lambda _: Script(hangs=True)))
    running = asyncio.ensure_future(workshop.run())
    await workshop.session.running.wait()

    assert workshop.service.stop(1, "enough")
    build = await running

    assert build.result is Result.CANCELLED
    assert workshop.session.interrupts == ["enough"]
