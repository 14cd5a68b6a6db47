"""Who a request comes from."""

from __future__ import annotations

from aiohttp import web

from chargehand.resources.policy import Policy, Visitor, anonymous


class Visitors:
    """Makes the visitor of each request; nobody can log in yet, so that all are anonymous."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._anonymous = anonymous(policy)

    def of(self, request: web.BaseRequest) -> Visitor:
        """Return who sent *request*."""
        return self._anonymous
