"""Control methods of the REST API: JSON-RPC 2.0 by POST to a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from chargehand.domain.identifiers import BuildId, RequestId
from chargehand.domain.orders import InvalidParameters
from chargehand.domain.result import Result
from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Query
from chargehand.resources.visibility import Visibility
from chargehand.web.access.audit import AuditTrail
from chargehand.web.access.facts import OrderFacts
from chargehand.web.access.stages import StageReader
from chargehand.web.json_faults import lone_surrogate
from chargehand.web.ports import Controls, Resources
from chargehand.web.rest.answers import Answer, encoded
from chargehand.web.rest.order_parameters import ORDERS
from chargehand.web.rest.parameters import Parameters, checked, integer, names, result
from chargehand.web.rest.reading import NotFound, resolved_path

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMETERS = -32602
INTERNAL_ERROR = -32603
FORBIDDEN = 403

_CONTENT_TYPE = "application/json"


class Refused(Exception):
    """The call failed; carries the answer."""

    def __init__(
        self, status: int, code: int, message: object, call_id: object = msgspec.UNSET
    ) -> None:
        super().__init__(str(message))
        self.status = status
        self.code = code
        self.message = message
        self.call_id = call_id

    def answer(self) -> Answer:
        """Return the error in JSON-RPC's format."""
        body: dict[str, object] = {
            "jsonrpc": "2.0",
            "error": {"code": self.code, "message": self.message},
        }
        if self.call_id is not msgspec.UNSET:
            body["id"] = self.call_id
        return Answer(self.status, _CONTENT_TYPE, encoded(body))


class Call(msgspec.Struct, frozen=True):
    """A well-formed call."""

    id: str | int | float | None
    method: str
    parameters: Parameters


def parse(content_type: str, body: bytes) -> Call:
    """Parse *body*. Raises Refused."""
    if content_type.partition(";")[0].strip().lower() != _CONTENT_TYPE:
        raise _malformed("Invalid content-type (use application/json)")
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = lone_surrogate(body) or error
        raise Refused(400, PARSE_ERROR, f"JSON parse error: {reason}") from error
    if _is_deeper(data, _DEEPEST):
        raise _malformed(f"nested too deeply: there may be {_DEEPEST} levels of arrays and objects")
    if isinstance(data, list):
        raise _malformed("JSONRPC batch requests are not supported")
    if not isinstance(data, dict):
        raise _malformed("JSONRPC root object must be an object")
    for key, types, description in _MEMBERS:
        if key not in data:
            raise _malformed(f"missing key '{key}'")
        if not isinstance(data[key], types) or isinstance(data[key], bool):
            raise _malformed(f"'{key}' must be {description}")
    if data["jsonrpc"] != "2.0":
        raise _malformed("only JSONRPC 2.0 is supported")
    return Call(data["id"], data["method"], data["params"])


def _is_deeper(value: object, levels: int) -> bool:
    within = [value]
    for _ in range(levels):
        within = [
            one
            for outer in within
            if isinstance(outer, dict | list)
            for one in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(one, dict | list) for one in within)


_DEEPEST = 100
"""What is nested deeper cannot be stored, and some work on it is recursive."""

_MEMBERS: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("jsonrpc", (str,), "a string"),
    ("method", (str,), "a string"),
    ("id", (str, int, float, type(None)), "a string, number, or null"),
    ("params", (dict,), "an object"),
)


def _malformed(message: str) -> Refused:
    return Refused(400, INVALID_REQUEST, message)


Order = Callable[[Resolved, Parameters, Visitor], Awaitable[object]]


class ControlMethods:
    """Runs control methods; the one place that checks the policy for them."""

    def __init__(
        self,
        *,
        controls: Controls,
        resources: Resources,
        stages: StageReader,
        audit: AuditTrail | None = None,
    ) -> None:
        """Without *audit*, orders are not noted: those of the master itself."""
        self._audit = audit
        self._facts = OrderFacts(resources=resources, stages=stages)
        self._controls = controls
        self._resources = resources
        self._stages = stages
        orders: dict[tuple[str, str], Order] = {
            ("forceschedulers", "force"): self._force,
            ("builds", "stop"): self._stop_build,
            ("builds", "rebuild"): self._rebuild,
            ("buildrequests", "cancel"): self._cancel_request,
            ("buildrequests", "set_priority"): self._set_priority,
            ("schedulers", "enable"): self._enable_scheduler,
        }
        for method in ("stop", "kill", "pause", "unpause"):
            orders["workers", method] = self._worker_order(method)
        self._orders = {key: (order, ORDERS[key].parameters) for key, order in orders.items()}

    def expects_large(self, path: str) -> bool:
        """Return whether calls to this path may have large bodies: forms take files and patches."""
        try:
            endpoint = resolved_path(path).endpoint
        except NotFound:
            return False
        return endpoint.kind == "forceschedulers" and not endpoint.is_collection

    async def answer(
        self, path: str, content_type: str, body: bytes, visitor: Visitor, origin: str
    ) -> Answer:
        """Run the call in *body* and return the answer."""
        try:
            call = parse(content_type, body)
            result = await self.carry_out(path, call, visitor, origin)
        except Refused as refused:
            return refused.answer()
        return Answer(
            200, _CONTENT_TYPE, encoded({"jsonrpc": "2.0", "id": call.id, "result": result})
        )

    async def carry_out(self, path: str, call: Call, visitor: Visitor, origin: str = "") -> object:
        """Run a call from *origin* (an address) and return its result. Raises Refused."""
        try:
            resolved = resolved_path(path)
        except NotFound as error:
            raise Refused(404, INVALID_REQUEST, str(error), call.id) from error
        endpoint = resolved.endpoint
        found = self._orders.get((endpoint.kind, call.method))
        if found is None or endpoint.is_collection:
            message = f"action: {call.method} is not supported"
            raise Refused(501, METHOD_NOT_FOUND, message, call.id)
        try:
            await self._require_seen(resolved, visitor.sees)
            facts = await self._facts.of(resolved, call.parameters, visitor)
            why = await visitor.why_refused(call.method, path, facts)
            if self._audit is not None:
                self._audit.ordered(call.method, path, call.parameters, visitor.user, origin, why)
            if why is not None:
                message = f"you are not allowed to {call.method} {path}: {why}"
                raise Refused(403, FORBIDDEN, message, call.id)
            order, declared = found
            parameters = call.parameters
            if visitor.needs_facts and endpoint.kind == "forceschedulers":
                # What was decided about, and nothing else.
                parameters = parameters | {"builderNames": [one.builder for one in facts.things]}
            return await order(resolved, checked(declared, parameters), visitor)
        except InvalidParameters as error:
            raise Refused(400, INVALID_PARAMETERS, error.errors, call.id) from error
        except OverflowError as error:
            raise Refused(400, INVALID_PARAMETERS, "a number is too large", call.id) from error
        except LookupError as error:
            message = str(error.args[0]) if error.args else f"not found: {path}"
            raise Refused(404, INVALID_REQUEST, message, call.id) from error

    async def _force(self, resolved: Resolved, parameters: Parameters, visitor: Visitor) -> object:
        name = str(resolved.scope["schedulername"])
        if not visitor.sees.every_builder:
            parameters = await self._for_seen_builders(visitor.sees, name, parameters)
        buildset_id, requests = await self._controls.force(name, parameters, visitor.user)
        return [buildset_id, {str(builder): request for builder, request in requests.items()}]

    async def _stop_build(
        self, resolved: Resolved, parameters: Parameters, visitor: Visitor
    ) -> None:
        reason = str(parameters.get("reason", "no reason"))
        results = result(parameters.get("results", Result.CANCELLED))
        build_id = BuildId(await self._id(resolved, visitor.sees, "buildid"))
        await self._controls.stop_build(build_id, reason, results, visitor.user)

    async def _rebuild(
        self, resolved: Resolved, parameters: Parameters, visitor: Visitor
    ) -> object:
        build_id = BuildId(await self._id(resolved, visitor.sees, "buildid"))
        buildset_id, requests = await self._controls.rebuild(build_id, visitor.user)
        return [buildset_id, {str(builder): request for builder, request in requests.items()}]

    async def _cancel_request(
        self, resolved: Resolved, parameters: Parameters, visitor: Visitor
    ) -> None:
        request_id = RequestId(int(resolved.scope["buildrequestid"]))
        reason = str(parameters.get("reason", "no reason"))
        await self._controls.cancel_request(request_id, reason, visitor.user)

    async def _set_priority(
        self, resolved: Resolved, parameters: Parameters, visitor: Visitor
    ) -> None:
        request_id = RequestId(int(resolved.scope["buildrequestid"]))
        priority = integer(parameters["priority"])
        await self._controls.set_priority(request_id, priority, visitor.user)

    async def _enable_scheduler(
        self, resolved: Resolved, parameters: Parameters, visitor: Visitor
    ) -> None:
        enabled = bool(parameters["enabled"])
        scheduler = int(resolved.scope["schedulerid"])
        await self._controls.enable_scheduler(scheduler, enabled, visitor.user)

    def _worker_order(self, method: str) -> Order:
        async def carry_out(resolved: Resolved, parameters: Parameters, visitor: Visitor) -> None:
            scope = resolved.scope
            worker: int | str = scope["workerid"] if "workerid" in scope else scope["name"]
            reason = str(parameters.get("reason", ""))
            await self._controls.control_worker(worker, method, reason, visitor.user)

        return carry_out

    async def _require_seen(self, resolved: Resolved, sees: Visibility) -> None:
        """Raise LookupError for things hidden from the visitor, as if they did not exist."""
        if sees.is_everything or resolved.endpoint.kind == "forceschedulers":
            return  # For force schedulers, the form itself filters the builders.
        await self._one(resolved, sees, ())

    async def _for_seen_builders(
        self, sees: Visibility, scheduler: str, parameters: Parameters
    ) -> Parameters:
        """Return the form's parameters without hidden builders."""
        forms = {form["name"]: form for form in await self._stages.forms(sees)}
        if scheduler not in forms:
            raise LookupError(f"there is no force scheduler {scheduler}")
        seen: list[str] = forms[scheduler]["builder_names"]
        wanted = names(parameters.get("builderNames") or seen)
        if "builderid" in parameters and "builderNames" not in parameters:
            scope = {"builderid": integer(parameters["builderid"])}
            found = await self._resources.fetch(Query(kind="builders", sees=sees, scope=scope))
            wanted = [row["name"] for row in found.rows] or [str(scope["builderid"])]
        unknown = [str(name) for name in wanted if name not in seen]
        if unknown:
            why = f"{', '.join(unknown)}: this form is for {', '.join(seen)} only"
            raise InvalidParameters({"builderNames": why})
        return parameters | {"builderNames": wanted}

    async def _id(self, resolved: Resolved, sees: Visibility, field: str) -> int:
        if field in resolved.scope:
            return int(resolved.scope[field])
        return int((await self._one(resolved, sees, (field,)))[field])

    async def _one(self, resolved: Resolved, sees: Visibility, fields: tuple[str, ...]) -> Resource:
        query = Query(
            kind=resolved.endpoint.kind, sees=sees, scope=resolved.scope, fields=fields, limit=1
        )
        page = await self._resources.fetch(query)
        if not page.rows:
            raise NotFound
        return page.rows[0]
