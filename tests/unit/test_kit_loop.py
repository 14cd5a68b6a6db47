"""A loop that users' code cannot end."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from chargehand.kit.loop import run, stuck_threads


def _raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_callback_that_would_end_the_loop_is_logged_and_the_loop_goes_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(2, lambda: None)
        heard: list[int] = []
        loop.call_soon(_raising, error)
        loop.call_soon(heard.append, 1)
        loop.call_later(0.001, _raising, error)
        later = asyncio.Event()
        loop.call_later(0.002, later.set)
        await later.wait()
        task = loop.create_task(asyncio.sleep(0))
        await task
        return len(heard)

    with caplog.at_level(logging.ERROR):
        assert run(main()) == 1

    raised = [r for r in caplog.records if "the master keeps running" in r.getMessage()]
    assert len(raised) == 2


def test_what_the_work_itself_raises_is_raised() -> None:
    async def main() -> None:
        raise SystemExit(4)

    with pytest.raises(SystemExit, match="4"):
        run(main())


def test_what_is_left_is_ended_when_the_work_exits() -> None:
    ended: list[str] = []

    async def goes_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("it")

    async def main() -> None:
        task = asyncio.create_task(goes_on())
        await asyncio.sleep(0)
        raise SystemExit(4) if not task.done() else AssertionError

    with pytest.raises(SystemExit, match="4"):
        run(main())

    assert ended == ["it"]


def test_tasks_that_ignore_their_cancellation_are_named_and_abandoned(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargehand.kit.loop._PATIENCE", 0.05)

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async def main() -> int:
        stays.append(asyncio.get_running_loop().create_task(stubborn(), name="stubborn"))
        await asyncio.sleep(0)
        return 3

    stays: list[asyncio.Task[None]] = []
    assert run(main()) == 3
    assert "stubborn is not ending; abandoning it" in caplog.text


def test_a_thread_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chargehand.kit.loop._PATIENCE", 0.05)
    release = threading.Event()

    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, release.wait)
        return 3

    try:
        assert run(main()) == 3
        assert stuck_threads()
    finally:
        release.set()
