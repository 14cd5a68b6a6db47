"""The one place where Deferreds and coroutines meet.

Extensions may be written with ``async def``, with ``inlineCallbacks``, or with callbacks; the
engine only knows coroutines. `inward` calls a function of an extension and awaits what it returns;
`outward` hands the work of an engine coroutine to an extension, as a Deferred; `install` lets every
task that an extension starts ``await`` Deferreds.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import wraps
from types import CoroutineType, MethodType, coroutine
from typing import Any, ParamSpec, TypeVar

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from buildbot._border.making import note_making
from chargehand.kit.asking import ANSWER_SECONDS, answer
from chargehand.kit.guard import BaseExceptionRaised, contained

P = ParamSpec("P")
T = TypeVar("T")

_OUTGOING = "_outgoing"
"""The attribute by which the function of an `outgoing` method is known."""

_PLAIN = frozenset({type(None), bool, int, str, list, tuple, dict})
"""Types of values that are surely nothing to wait for."""

_in_extension: ContextVar[bool] = ContextVar("_in_extension", default=False)


class RemoteFailure(Exception):
    """A Deferred failed with something that is no exception (Perspective Broker sends such)."""


async def inward(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Any:
    """Call *function*, and await its value, coroutine, Deferred, or Failure.

    A cancellation that the extension caused itself arrives as Twisted's ``CancelledError``: only
    the engine's own cancellation may look like one to the engine. No other BaseException arrives:
    ``sys.exit()`` in an extension is an error like any other (`BaseExceptionRaised`).
    """
    ours = _undeferred(function)
    if ours is not function and _in_extension.get():
        # The caller of the extension translates what this waits for, and what it raises.
        return await ours(*args, **keywords)
    token = _in_extension.set(True)
    try:
        try:
            value = ours(*args, **keywords)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as raised:
            raise BaseExceptionRaised(raised) from raised
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is CoroutineType:
            return await _translated(value)
        if isinstance(value, Deferred) or inspect.isawaitable(value):
            return await _awaiting_deferreds(value)
        if isinstance(value, Failure):
            raise _exception(value)
        return value
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise defer.CancelledError from error
    finally:
        _in_extension.reset(token)


def answered(
    name: str, function: Callable[..., Any], /, *args: Any, **keywords: Any
) -> Coroutine[Any, Any, Any]:
    """Call *function* as `inward` does; within a limit. Raises AnswerTimeout (with *name*)."""
    return answered_within(ANSWER_SECONDS, name, function, *args, **keywords)


async def answered_within(
    seconds: float, name: str, function: Callable[..., Any], /, *args: Any, **keywords: Any
) -> Any:
    """Do the same within so many *seconds*.

    What it waits for runs in a task of its own: a cancellation of ours does not wait for it.
    """
    if _undeferred(function) is not function:  # one of ours, which asks users by this
        return await inward(function, *args, **keywords)
    token = _in_extension.set(True)
    try:
        value = contained(function, *args, **keywords)
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Deferred) and value.called and not value.paused:
            fired_with = getattr(value, "result", value)
            if type(fired_with) in _PLAIN:
                return fired_with  # There is nothing to wait for: no task, no timer.
        if not (isinstance(value, Failure | Deferred) or inspect.isawaitable(value)):
            return value
        waiting = inward(lambda: value)
        if not has_loop():
            return await waiting
        return await answer(waiting, name=name, function=function, within=seconds)
    except Exception as error:
        note_making(error, getattr(function, "__self__", None))
        raise
    finally:
        _in_extension.reset(token)


def outward(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Start *work* in the engine and return a Deferred of its outcome; cancelling that stops it.

    Where no engine runs (an author's test under Twisted alone) it runs as Twisted's own coroutines.
    """
    if not has_loop():
        return eager(work)
    token = _in_extension.set(False)
    try:
        task = asyncio.get_running_loop().create_task(work)
    finally:
        _in_extension.reset(token)

    def stop(_: Deferred[T]) -> None:
        task.cancel()

    deferred: Deferred[T] = Deferred(stop)

    def hand_over(task: asyncio.Future[T]) -> None:
        error = defer.CancelledError() if task.cancelled() else task.exception()
        if deferred.called:  # cancelled by the extension: nobody waits for the outcome
            return
        if error is None:
            deferred.callback(task.result())
        else:
            deferred.errback(error)

    task.add_done_callback(hand_over)
    return deferred


def outgoing(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Awaitable[T]]:
    """Make the method return a Deferred. Its coroutine may await Deferreds, as a user's may.

    Where `inward` calls it nobody sees a Deferred, and none is made.
    """

    @wraps(method)
    def call(*args: P.args, **keywords: P.kwargs) -> Awaitable[T]:
        return outward(inward(method, *args, **keywords))

    call.__dict__[_OUTGOING] = (call, method)
    return call


def standing_for(method: Callable[..., Any]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a function what users' code calls in place of an `outgoing` method.

    Where `inward` calls it, it calls the method itself.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        function.__dict__[_OUTGOING] = (function, method.__dict__[_OUTGOING][1])
        return function

    return decorate


def _undeferred(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the coroutine function that *function*, if it is an `outgoing` method, stands for."""
    if type(function) is not MethodType:
        return function
    found = getattr(function.__func__, _OUTGOING, None)
    # Decorators of users copy our mark to what they make of the method: it is not ours then.
    if found is None or found[0] is not function.__func__:
        return function
    return MethodType(found[1], function.__self__)


def eager(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Start *work* of an extension here and now, as Twisted does, and return a Deferred of it.

    It may await what asyncio has, too.
    """
    return defer.ensureDeferred(_awaiting_futures(work))


def settled(value: T) -> Deferred[T]:
    """Return a Deferred that has fired with *value* already: for work that needs no waiting."""
    return defer.succeed(value)


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Let the tasks that extensions start in *loop* await Deferreds, too."""

    def task_factory(
        loop: asyncio.AbstractEventLoop, work: Any, **options: Any
    ) -> asyncio.Task[Any]:
        if not _in_extension.get():
            return asyncio.Task(work, loop=loop, **options)
        task = asyncio.Task(_awaiting_deferreds(work), loop=loop, **options)
        # Cancelled before its first step, the wrapper would leave the work neither run nor closed.
        task.add_done_callback(lambda _: work.close())
        return task

    loop.set_task_factory(task_factory)


async def _awaiting_deferreds(work: Any) -> Any:
    """Await *work*; wherever it waits for a Deferred, wait for a future instead."""
    return await _translated(work if hasattr(work, "send") else work.__await__())


@coroutine
def _translated(work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            waited_for = work.send(answer) if error is None else work.throw(error)
        except StopIteration as finished:
            result: T = finished.value
            return result
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as escaping:
            raise BaseExceptionRaised(escaping) from escaping
        answer = error = None
        try:
            if isinstance(waited_for, Deferred) and has_loop():
                yield from _until_fired(waited_for)
            else:
                answer = yield waited_for
        except GeneratorExit:
            _close(work)
            raise
        except BaseException as raised:  # noqa: BLE001 - thrown into the coroutine
            error = raised


@coroutine
def _awaiting_futures(work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await *work* under Twisted; wherever it waits for a future, wait for a Deferred instead."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            waited_for = work.send(answer) if error is None else work.throw(error)
        except StopIteration as finished:
            result: T = finished.value
            return result
        answer = error = None
        try:
            if isinstance(waited_for, Deferred):
                answer = yield waited_for
            else:
                yield _when_done(waited_for)
        except GeneratorExit:
            _close(work)
            raise
        except BaseException as raised:  # noqa: BLE001 - thrown into the coroutine
            error = raised


def is_awaitable(value: object) -> bool:
    """Return whether *value* is a Deferred, a coroutine or the like."""
    if type(value) in _PLAIN:
        return False
    return isinstance(value, Deferred) or inspect.isawaitable(value)


def has_loop() -> bool:
    """Return whether an asyncio loop runs this; only authors' tests have none."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _close(work: object) -> None:
    """Cancel what nobody awaits; it may already have ended."""
    close: Callable[[], None] | None = getattr(work, "close", None)
    if close is not None:
        contained(close)


def _when_done(future: asyncio.Future[Any] | None) -> Deferred[None]:
    """Return a Deferred of the moment when *future* has a result, leaving the result in it."""
    if future is None:  # asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        deferred: Deferred[None] = Deferred()
        loop.call_soon(deferred.callback, None)
        return deferred
    future._asyncio_future_blocking = False

    def abandon(_: Deferred[None]) -> None:
        future.cancel()

    deferred = Deferred(abandon)
    future.add_done_callback(lambda _: None if deferred.called else deferred.callback(None))
    return deferred


def _until_fired(deferred: Deferred[Any]) -> asyncio.Future[None]:
    """Return a future of the moment when *deferred* has a result, leaving the result in it."""
    future = asyncio.get_running_loop().create_future()

    def wake(result: Any) -> Any:
        if not future.done():
            future.set_result(None)
        if isinstance(result, Failure) and not isinstance(result.value, BaseException):
            # What waits could not raise the other one.
            return _failure(_exception(result))
        return result

    def abandon(_: object) -> None:
        if future.cancelled():
            deferred.cancel()
            deferred.addErrback(lambda _: None)  # nobody is left to hear of it

    deferred.addBoth(wake)
    future.add_done_callback(abandon)
    return future


def _failure(error: BaseException) -> Failure:
    made: Any = Failure
    failure: Failure = made(error)
    return failure


def _exception(failure: Failure) -> BaseException:
    if isinstance(failure.value, Exception | asyncio.CancelledError):
        return failure.value
    if isinstance(failure.value, BaseException):
        return BaseExceptionRaised(failure.value)
    return RemoteFailure(f"{failure.type}: {failure.value}")
