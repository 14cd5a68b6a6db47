"""Every way in which a published extension may be written must run."""

from __future__ import annotations

import asyncio
from functools import wraps

import pytest
from twisted.internet import defer
from twisted.python.failure import Failure
from waiting import PATIENCE

from buildbot._border import bridge
from buildbot._border.bridge import answered, inward, outgoing, outward


@pytest.fixture(autouse=True)
async def installed():
    bridge.install(asyncio.get_running_loop())


class Engine:
    """Work of the engine, as an extension sees it: methods that return Deferreds."""

    def __init__(self, exit_code=0, takes=0.0, error=None):
        self.notes = []
        self.exit_code = exit_code
        self.takes = takes
        self.error = error
        self.stopped = asyncio.Event()

    def note(self, text):
        return outward(self._note(text))

    async def _note(self, text):
        await asyncio.sleep(0)
        self.notes.append(text)

    def run(self):
        return outward(self._run())

    async def _run(self):
        try:
            await asyncio.sleep(self.takes)
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        if self.error is not None:
            raise self.error
        return self.exit_code


async def async_def(engine):
    await engine.note("hello")
    return await engine.run()


@defer.inlineCallbacks
def inline_callbacks(engine):
    yield engine.note("hello")
    code = yield engine.run()
    return code


def callbacks(engine):
    d = engine.note("hello")
    d.addCallback(lambda _: engine.run())
    return d


@defer.inlineCallbacks
def inline_callbacks_calling_async_def(engine):
    async def note():
        await engine.note("hello")

    yield note()
    code = yield engine.run()
    return code


async def async_def_calling_inline_callbacks(engine):
    @defer.inlineCallbacks
    def note():
        yield engine.note("hello")

    await note()
    return await engine.run()


async def in_parallel(engine):
    async def note():
        await engine.note("hello")

    async def run():
        return await engine.run()

    async with asyncio.TaskGroup() as group:
        group.create_task(note())
        code = group.create_task(run())
    return code.result()


async def gathered(engine):
    return (await asyncio.gather(engine.note("hello"), engine.run()))[1]


async def deferred_list(engine):
    done = await defer.DeferredList([engine.note("hello"), engine.run()])
    return done[1][1]


def ensure_deferred(engine):
    return defer.ensureDeferred(async_def(engine))


async def slept(engine):
    await asyncio.sleep(1)
    await asyncio.wait_for(engine.note("hello"), PATIENCE)
    return await engine.run()


STYLES = [
    async_def,
    inline_callbacks,
    callbacks,
    inline_callbacks_calling_async_def,
    async_def_calling_inline_callbacks,
    in_parallel,
    gathered,
    deferred_list,
    ensure_deferred,
    slept,
]


@pytest.mark.looptime
@pytest.mark.parametrize("style", STYLES)
async def test_an_extension_may_be_written_in_any_style(style, looptime):
    engine = Engine(exit_code=3, takes=1)

    assert await inward(style, engine) == 3

    assert engine.notes == ["hello"]


@pytest.mark.parametrize("style", [async_def, inline_callbacks, callbacks, ensure_deferred])
async def test_an_error_in_the_engine_reaches_the_extension_and_returns(style):
    engine = Engine(error=ConnectionError("worker went away"))

    with pytest.raises(ConnectionError, match="worker went away"):
        await inward(style, engine)


async def test_an_extension_may_catch_the_error():
    @defer.inlineCallbacks
    def careful(engine):
        try:
            yield engine.run()
        except ConnectionError:
            return "caught"

    assert await inward(careful, Engine(error=ConnectionError())) == "caught"


@pytest.mark.looptime
@pytest.mark.parametrize(
    "style", [async_def, inline_callbacks, callbacks, ensure_deferred, gathered]
)
async def test_cancelling_the_extension_cancels_the_engines_work(style, looptime):
    engine = Engine(takes=3600)
    task = asyncio.ensure_future(inward(style, engine))
    await asyncio.sleep(10)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(engine.stopped.wait(), 1)


async def test_a_cancellation_of_the_extensions_own_does_not_look_like_one_of_the_engine():
    async def cancels_its_own_work(engine):
        deferred = engine.run()
        deferred.cancel()
        await deferred

    async def cancels_its_own_task():
        task = asyncio.ensure_future(asyncio.Event().wait())
        task.cancel()
        await task

    with pytest.raises(defer.CancelledError):
        await inward(cancels_its_own_work, Engine(takes=3600))
    with pytest.raises(defer.CancelledError):
        await inward(cancels_its_own_task)


async def test_a_plain_value_is_returned_as_it_is():
    assert await inward(lambda *args, **keywords: (args, keywords), 1, key=2) == ((1,), {"key": 2})


async def test_a_plain_deferred_can_be_awaited_and_keeps_its_result():
    deferred = defer.Deferred()
    asyncio.get_running_loop().call_later(0, deferred.callback, 7)

    async def waits_twice():
        return await deferred, await deferred

    assert await inward(waits_twice) == (7, 7)
    assert await inward(lambda: deferred) == 7


async def test_a_failure_that_is_returned_is_raised():
    with pytest.raises(KeyError):
        await inward(lambda: Failure(KeyError("x")))


async def test_a_failure_whose_value_is_no_exception_is_raised_as_one():
    def fails():
        failure = Failure(ValueError("x"))
        failure.value = "text from afar"
        deferred = defer.Deferred()
        asyncio.get_running_loop().call_later(0, deferred.errback, failure)
        return deferred

    async def awaits():
        await fails()

    with pytest.raises(bridge.RemoteFailure, match="text from afar"):
        await inward(fails)
    with pytest.raises(bridge.RemoteFailure, match="text from afar"):
        await inward(awaits)


async def test_a_task_started_before_the_first_await_may_await_deferreds():
    def eager(engine):
        return asyncio.ensure_future(async_def(engine))

    assert await inward(eager, Engine(exit_code=5)) == 5


async def test_the_engine_does_not_inherit_the_licence_to_await_deferreds():
    async def awaits_a_deferred():
        deferred = defer.Deferred()
        asyncio.get_running_loop().call_later(0, deferred.callback, 0)
        await deferred

    async def engine_work():
        await asyncio.ensure_future(awaits_a_deferred())

    async def extension():
        await outward(engine_work())

    with pytest.raises(RuntimeError, match="bad yield"):
        await inward(extension)


async def test_callbacks_of_the_engines_work_may_start_tasks_that_await_deferreds():
    def chained(engine):
        d = engine.note("hello")
        d.addCallback(lambda _: defer.Deferred.fromFuture(asyncio.ensure_future(async_def(engine))))
        return d

    assert await inward(chained, Engine(exit_code=4)) == 4


def test_async_to_deferred_starts_at_once():
    from buildbot.util.twisted import async_to_deferred

    @async_to_deferred
    async def work(one, *, other):
        return await defer.succeed(one) + other

    done = work(1, other=2)

    assert done.result == 3


async def test_async_to_deferred_awaits_deferreds_and_futures_and_raises_what_they_raise():
    from buildbot.util.twisted import async_to_deferred

    fired: defer.Deferred[int] = defer.Deferred()

    @async_to_deferred
    async def work():
        await asyncio.sleep(0)
        first = await fired
        second = await asyncio.get_running_loop().run_in_executor(None, int, "4")
        try:
            await asyncio.get_running_loop().run_in_executor(None, int, "x")
        except ValueError:
            raise KeyError(first + second) from None

    done = work()
    asyncio.get_running_loop().call_later(0.01, fired.callback, 3)

    with pytest.raises(KeyError, match="7"):
        await done.asFuture(asyncio.get_running_loop())


class Steps:
    """Methods as ours are, which users may call and override."""

    @outgoing
    async def done(self, text):
        return text, asyncio.current_task()

    @outgoing
    async def fail(self):
        raise ValueError("wrong")


async def test_a_method_of_ours_that_is_called_by_a_user_returns_a_deferred():
    deferred = Steps().done("hello")

    assert isinstance(deferred, defer.Deferred)
    assert (await inward(lambda: deferred))[0] == "hello"


async def test_a_method_of_ours_that_the_engine_calls_runs_in_the_engines_task():
    text, task = await inward(Steps().done, "hello")

    assert (text, task) == ("hello", asyncio.current_task())


async def test_an_error_of_a_method_of_ours_reaches_the_engine():
    with pytest.raises(ValueError, match="wrong"):
        await inward(Steps().fail)


async def test_a_method_of_ours_that_a_user_decorated_is_called_as_decorated():
    class Decorated(Steps):
        @wraps(Steps.done)
        def done(self, text):
            return super().done(text.upper())

    text, _ = await inward(Decorated().done, "hello")

    assert text == "HELLO"


def paused(value):
    deferred = defer.succeed(value)
    deferred.pause()
    asyncio.get_running_loop().call_soon(deferred.unpause)
    return deferred


def chained(value):
    deferred, inner = defer.succeed(None), defer.Deferred()
    deferred.addCallback(lambda _: inner)
    asyncio.get_running_loop().call_soon(inner.callback, value)
    return deferred


@pytest.mark.parametrize("give", [defer.succeed, paused, chained])
@pytest.mark.parametrize("value", [None, 3, "words", [1], object])
async def test_what_a_deferred_has_or_will_have_is_the_answer(give, value):
    assert await answered("it", lambda: give(value)) == value


@pytest.mark.parametrize("error", [ValueError("no"), Failure(ValueError("no"))])
async def test_what_a_deferred_failed_with_is_raised(error):
    with pytest.raises(ValueError, match="no"):
        await answered("it", lambda: defer.fail(error))


async def test_for_what_has_come_no_task_is_made(monkeypatch):
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_task", None)

    assert await answered("it", lambda: defer.succeed(3)) == 3
