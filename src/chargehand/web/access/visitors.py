"""Identifies the visitor of each request."""

from __future__ import annotations

import os
import pwd
import socket
import struct

from aiohttp import web

from chargehand.domain.user import User
from chargehand.resources.policy import Policy, Visitor, anonymous


class Visitors:
    """Creates the visitor of each request. Login is not implemented yet: all are anonymous."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._anonymous = anonymous(policy)

    def of(self, request: web.BaseRequest) -> Visitor:
        """Return the visitor of *request*."""
        return self._anonymous

    def local(self, request: web.BaseRequest) -> Visitor:
        """Return the visitor of *request*, which came through the socket in the master's directory.

        File permissions restrict that socket to the master's own account.
        """
        return Visitor(User(name=_account_of(request), is_operator=True), self.policy)


_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of the peer, from the kernel."""


def _account_of(request: web.BaseRequest) -> str:
    user = os.geteuid()
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "SO_PEERCRED"):
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        user = int(_CREDENTIALS.unpack(told)[1])
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
