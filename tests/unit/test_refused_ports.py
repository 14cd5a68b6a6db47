"""What is said of a port that cannot be opened says what to change."""

from __future__ import annotations

import errno
import socket

import pytest

from chargehand.kit.refused_ports import what_to_do

_SETTING = "c['www']['port']"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, ""), f"Set another port in {_SETTING}, or stop what uses it."),
        (socket.gaierror(-2, ""), f"Give {_SETTING} an address of this machine."),
        (OSError(errno.EADDRNOTAVAIL, ""), f"Give {_SETTING} an address of this machine."),
        (
            PermissionError(errno.EACCES, ""),
            f"Set another port in {_SETTING}; those below 1024 need special rights.",
        ),
    ],
)
def test_the_advice_fits_the_error(error: OSError, words: str) -> None:
    assert what_to_do(error, _SETTING) == words
