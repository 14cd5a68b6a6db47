"""The guard around code that may fail in any way."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import Guard, guarded

_log = logging.getLogger("test.guard")


def test_a_failure_is_logged_once_and_what_follows_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with guarded(_log, "the form of %s failed", "nightly") as attempt:
        raise ValueError("broken")

    assert isinstance(attempt.failure, ValueError)
    [record] = caplog.records
    assert record.getMessage() == "the form of nightly failed"
    assert record.exc_info is not None


def test_what_does_not_fail_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with guarded(_log, "failed") as attempt:
        pass

    assert attempt.failure is None
    assert not caplog.records


async def test_a_cancellation_passes_through() -> None:
    reported: list[Exception] = []

    with pytest.raises(asyncio.CancelledError), Guard(reported.append):
        raise asyncio.CancelledError

    assert reported == []


def test_a_function_called_in_a_guard_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    guard = guarded(_log, "a handler failed")
    heard: list[int] = []

    def hear(number: int) -> None:
        if number == 2:
            raise SystemExit(3)
        heard.append(number)

    for number in (1, 2, 3):
        guard.call(hear, number)

    assert heard == [1, 3]
    [record] = caplog.records
    assert record.getMessage() == "a handler failed"


def test_a_cancellation_passes_through_a_function_called_in_a_guard() -> None:
    def be_cancelled(_: int) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        Guard(lambda _: None).call(be_cancelled, 1)


class _Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "ValueError"),
        (ValueError("two\nlines"), "ValueError: two\nlines"),
        (ValueError("a\udcff"), "ValueError: a\\udcff"),
        (_Mute(), "_Mute: (its message cannot be read: __str__ failed)"),
    ],
)
def test_what_any_exception_says_can_be_stored(error: Exception, text: str) -> None:
    assert headline_of(error) == text
