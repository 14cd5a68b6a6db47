"""Cutting the connection of a worker from outside, as a fault would; ports for listeners."""

from __future__ import annotations

import ctypes
import os
import random
import socket
from pathlib import Path

import pytest

_PIDFD_GETFD = 438


def free_port() -> int:
    """Return a port on which nobody listens, and which no outgoing connection gets by chance.

    The system gives those ports of 32768 and more: a port of that range may be taken again before
    the master listens on it.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("100 ports are in use")


def cut_connection(agent: int) -> None:
    """Shut down the socket by which an agent talks to its master; skip where we may not."""
    process = os.pidfd_open(agent)
    try:
        for entry in Path(f"/proc/{agent}/fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            with _duplicate(process, int(entry.name)) as connection:
                if connection.family == socket.AF_UNIX and _leads_to_a_door(connection):
                    connection.shutdown(socket.SHUT_RDWR)
                    return
    finally:
        os.close(process)
    raise AssertionError(f"agent {agent} has no connection to a master")


def _duplicate(process: int, descriptor: int) -> socket.socket:
    found = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, descriptor, 0)
    if found < 0:
        pytest.skip(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    return socket.socket(fileno=found)


def _leads_to_a_door(connection: socket.socket) -> bool:
    try:
        return bool(connection.getpeername())
    except OSError:
        return False
