"""The control methods of each kind of resource, and what parameters they take."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chargehand.web.rest.parameters import Declared, boolean, integer, names, result, text


class OrderForm(msgspec.Struct, frozen=True, kw_only=True):
    """What one control method takes, and whether it makes requests."""

    summary: str
    parameters: Declared
    has_own_parameters: bool = False
    """Whether there are more, which the resource itself declares."""
    makes_requests: bool = False
    """Whether the result is a buildset, with the request of each builder."""


_OF_A_FORM: Declared = {"builderNames": names, "builderid": integer, "owner": text}
_OF_A_WORKER = {
    "stop": "Stop a worker when its builds have ended",
    "kill": "Stop a worker at once",
    "pause": "Give a worker no more builds",
    "unpause": "Give a worker builds again",
}

ORDERS: Mapping[tuple[str, str], OrderForm] = {
    ("forceschedulers", "force"): OrderForm(
        summary="Force builds",
        parameters=_OF_A_FORM,
        has_own_parameters=True,
        makes_requests=True,
    ),
    ("builds", "stop"): OrderForm(
        summary="Stop a build", parameters={"reason": text, "results": result}
    ),
    ("builds", "rebuild"): OrderForm(
        summary="Build the same again", parameters={}, makes_requests=True
    ),
    ("buildrequests", "cancel"): OrderForm(
        summary="Cancel a request, or stop its build", parameters={"reason": text}
    ),
    ("buildrequests", "set_priority"): OrderForm(
        summary="Set a request's priority", parameters={"priority": integer}
    ),
    ("schedulers", "enable"): OrderForm(
        summary="Enable or disable a scheduler", parameters={"enabled": boolean}
    ),
    **{
        ("workers", method): OrderForm(summary=summary, parameters={"reason": text})
        for method, summary in _OF_A_WORKER.items()
    },
}
"""By kind and method."""
