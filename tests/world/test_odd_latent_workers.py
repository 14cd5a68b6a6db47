"""Users' latent workers that do odd things: no build is lost, and each reason is told."""

from __future__ import annotations

import pytest
from written import started

from chargehand.domain.result import Result

_HEAD = """
import asyncio, time
from twisted.internet import defer
from buildbot.interfaces import *
from buildbot.test.latent import FakeLatentWorker

class Odd(FakeLatentWorker):
    starts = stops = 0

    def connect(self):
        return FakeLatentWorker.start_instance(self, None)

    {code}

c['workers'] = [Odd('ec2', missing_timeout=90, build_wait_timeout={wait})]
add('b', sh('true'), workernames=['ec2'])
"""


def _configuration(code: str, wait: int = 600) -> str:
    return _HEAD.format(code=code.strip().replace("\n", "\n    "), wait=wait)


_ONCE = """
async def start_instance(self, build):
    await self.connect()
    Odd.starts += 1
    if Odd.starts == 1:
        {what}
"""


@pytest.mark.parametrize(
    "what",
    ["return None", "return True", "return 'i-1'", "return ('i-1', 7)", "return {'id': 1}"],
)
async def test_whatever_a_start_returns_but_false_is_success(what: str) -> None:
    async with started(_configuration(_ONCE.format(what=what))) as ci:
        assert (await ci.build("b")).result is Result.SUCCESS
        assert len(ci.builds("b")) == 1


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("raise LatentWorkerFailedToSubstantiate", "LatentWorkerFailedToSubstantiate"),
        ("raise LatentWorkerFailedToSubstantiate()", "LatentWorkerFailedToSubstantiate"),
        ("raise ValueError", "ValueError"),
        ("raise asyncio.CancelledError()", "Cancelled"),
        ("raise defer.CancelledError()", "Cancelled"),
        ("raise SystemExit(3)", "SystemExit"),
        ("raise KeyboardInterrupt()", "KeyboardInterrupt"),
        ("raise GeneratorExit()", "GeneratorExit"),
        ("raise StopIteration()", "StopIteration"),
        ("await defer.Deferred()", "start_instance did not return within 90 s"),
        ("return defer.succeed(1)", "returned a Deferred as its result: await it"),
    ],
)
async def test_a_start_that_fails_oddly_costs_a_try_and_is_told(what: str, words: str) -> None:
    async with started(_configuration(_ONCE.format(what=what))) as ci:
        request = await ci.force("b")
        await ci.finished(request)

        first, second = ci.builds_of(request)
        assert first.result is Result.RETRY
        assert words in first.state
        assert second.result is Result.SUCCESS


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "def start_instance(self, build):\n    yield self.connect()",
            "returned a generator: decorate",
        ),
        ("def start_instance(self, build, more):\n    pass", "more"),
        ("start_instance = None", "start_instance must be a method, not None"),
        ("start_instance = 'run.sh'", "start_instance must be a method, not 'run.sh'"),
        ("async def start_instance(self, build):\n    return lambda: 1", "did not connect"),
    ],
)
async def test_a_method_that_is_written_wrongly_is_told(code: str, words: str) -> None:
    async with started(_configuration(code)) as ci:
        request = await ci.force("b")
        await ci.sleep(100)
        assert words in ci.builds_of(request)[0].state
        assert ci.builds_of(request)[0].result in (Result.RETRY, Result.EXCEPTION)


async def test_a_call_that_blocks_holds_up_but_loses_nothing() -> None:
    code = "def start_instance(self, build):\n    time.sleep(0.3)\n    return self.connect()"
    async with started(_configuration(code)) as ci:
        assert (await ci.build("b")).result is Result.SUCCESS


@pytest.mark.parametrize(
    "what",
    [
        "raise OSError('no')",
        "await defer.Deferred()",
        "raise asyncio.CancelledError()",
        "raise SystemExit(1)",
    ],
)
async def test_a_stop_that_fails_does_not_keep_the_next_build_for_ever(what: str) -> None:
    code = f"""
async def start_instance(self, build):
    await self.connect()
async def stop_instance(self, fast=False):
    Odd.stops += 1
    if Odd.stops == 1:
        {what}
    await FakeLatentWorker.stop_instance(self, fast)
"""
    async with started(_configuration(code, wait=0)) as ci:
        assert (await ci.build("b")).result is Result.SUCCESS
        assert (await ci.build("b")).result is Result.SUCCESS
        assert "cannot stop worker ec2; its machine may still run" in ci.log


async def test_a_machine_that_dies_between_builds_is_replaced() -> None:
    async with started(_configuration("", wait=-1)) as ci:
        assert (await ci.build("b")).result is Result.SUCCESS
        ci.worker("ec2").leave()
        await ci.sleep(1000)
        ci.worker("ec2").is_there = True
        assert (await ci.build("b")).result is Result.SUCCESS
        assert len(ci.builds("b")) == 2


@pytest.mark.parametrize(
    "what", ["raise KeyError('x')", "await defer.Deferred()", "return None", "return 'no'"]
)
async def test_a_check_that_is_odd_loses_no_build(what: str) -> None:
    code = f"""
async def check_instance(self):
    {what}
"""
    async with started(_configuration(code)) as ci:
        ci.worker("ec2").is_there = False
        request = await ci.force("b")
        await ci.sleep(95)
        first = ci.builds_of(request)[0]
        assert first.result is Result.RETRY, first
        ci.worker("ec2").is_there = True
        await ci.finished(request)
        assert ci.builds_of(request)[-1].result is Result.SUCCESS


@pytest.mark.parametrize("what", ["raise KeyError('x')", "await defer.Deferred()"])
async def test_a_question_of_compatibility_that_fails_loses_no_build(what: str) -> None:
    code = f"""
builds_may_be_incompatible = True
async def isCompatibleWithBuild(self, props):
    Odd.stops += 1
    if Odd.stops == 1:
        {what}
    return True
"""
    async with started(_configuration(code)) as ci:
        assert (await ci.build("b")).result is Result.SUCCESS
        request = await ci.force("b")
        await ci.sleep(3600)
        assert ci.builds_of(request)
        assert ci.builds_of(request)[-1].result is Result.SUCCESS
