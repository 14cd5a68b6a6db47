"""What workers over MessagePack say of failures, for people."""

from __future__ import annotations

import pytest

from chargehand.links.msgpack.failures import in_short


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (
            "[Failure instance: Traceback: <class 'OSError'>: [Errno 28] No space left on device\n"
            "/lib/twisted/internet/defer.py:1835:_inlineCallbacks\n]",
            "OSError: [Errno 28] No space left on device",
        ),
        (
            "[Failure instance: Traceback (failure with no frames): "
            "<class 'twisted.internet.error.ConnectionDone'>: Connection was closed cleanly.\n]",
            "ConnectionDone: Connection was closed cleanly.",
        ),
        ("[Failure instance: Traceback: <class 'ValueError'>: \n/x.py:1:f\n]", "ValueError"),
        ("invalid command", "invalid command"),
        ("", ""),
    ],
)
def test_a_failure_is_its_kind_and_message(text: str, short: str) -> None:
    assert in_short(text) == short
