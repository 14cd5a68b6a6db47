"""``c['status']`` becomes ``c['services']`` and ``c['www']``, where its entries allow."""

from __future__ import annotations

import libcst as cst

from buildbot._host.upgrading.bindings import Bindings
from buildbot._host.upgrading.keys import key_of, renamed_key
from buildbot._host.upgrading.values import Remark

_REPORTERS = "buildbot.reporters."
_WEB = frozenset({"buildbot.status.html.WebStatus", "buildbot.status.web.baseweb.WebStatus"})
_LEFT = (
    "this stays in c['status'], where it does nothing, or works as in Buildbot 0.8; current "
    "reporters are in c['services']"
)
_WEB_RIGHTS = (
    "html.WebStatus became c['www']; write its rights and users as c['www']['authz'] and "
    "c['www']['auth']"
)


def without_status(source: cst.Module) -> tuple[cst.Module, list[Remark]]:
    """Return the source with its reporters in ``c['services']`` and its web server in ``c['www']``,
    and remarks on what stays in ``c['status']``."""
    bindings = Bindings(source)
    status = _Status(bindings)
    bindings.module.visit(status)
    if not status.may_move:
        return source, []
    return bindings.module.visit(_Moving(status)), status.remarks()


class _Status(cst.CSTVisitor):
    """Finds what is in ``c['status']``, and where it belongs."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._made: dict[str, cst.Call] = {}
        self._keys: list[str] = []
        self.lists: dict[cst.CSTNode, cst.List] = {}
        """The statements that set it to a list."""
        self.appended: dict[cst.CSTNode, str] = {}
        """By call of its ``append``: the key that the entry belongs to."""
        self._left: list[cst.CSTNode] = []

    @property
    def may_move(self) -> bool:
        """Whether it is set once and appended to, and all else is new."""
        uses = len(self.lists) + len(self.appended) + len(self._left)
        return (
            len(self.lists) == 1
            and self._keys.count("status") == uses
            and "services" not in self._keys
            and all(
                self._is_reporter(one.value)
                for made in self.lists.values()
                for one in made.elements
            )
            and (bool(self.appended) or not self._left)
        )

    @property
    def is_kept(self) -> bool:
        """Whether something stays in it."""
        return bool(self._left)

    def remarks(self) -> list[Remark]:
        """Return what is left to the author."""
        found = [Remark(self._bindings.line(node), _LEFT) for node in self._left[:1]]
        for node, key in self.appended.items():
            if key == "www":
                found.append(Remark(self._bindings.line(node), _WEB_RIGHTS))
        return found

    def visit_Subscript(self, node: cst.Subscript) -> None:
        if (key := key_of(node)) is not None:
            self._keys.append(key)

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        if isinstance(target, cst.Name) and isinstance(node.value, cst.Call):
            self._made[target.value] = node.value
        if key_of(target) == "status" and isinstance(node.value, cst.List):
            self.lists[node] = node.value

    def visit_Call(self, node: cst.Call) -> None:
        match node:
            case cst.Call(
                func=cst.Attribute(value=owner, attr=cst.Name(value="append")), args=[one]
            ) if key_of(owner) == "status":
                if self._is_reporter(one.value):
                    self.appended[node] = "services"
                elif self._is_web(one.value) and "www" not in (
                    *self.appended.values(),
                    *self._keys,
                ):
                    self.appended[node] = "www"
                else:
                    self._left.append(node)

    def _is_reporter(self, value: cst.BaseExpression) -> bool:
        call = self._made.get(value.value) if isinstance(value, cst.Name) else value
        full = self._bindings.of(call.func) if isinstance(call, cst.Call) else None
        return full is not None and full.startswith(_REPORTERS)

    def _is_web(self, value: cst.BaseExpression) -> bool:
        if not isinstance(value, cst.Call) or port_of(value) is None:
            return False
        return self._bindings.of(value.func) in _WEB


class _Moving(cst.CSTTransformer):
    def __init__(self, status: _Status) -> None:
        self._status = status

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        match original_node.body:
            case [cst.Assign() as statement] if statement in self._status.lists:
                moved = updated_node.visit(_Key("services"))
                assert isinstance(moved, cst.SimpleStatementLine)
                if not self._status.is_kept:
                    return moved
                bare = cst.parse_statement("c['services'] = []")
                return cst.FlattenSentinel([updated_node, bare])
            case [cst.Expr(value=cst.Call() as call)] if call in self._status.appended:
                return self._appended(updated_node, call)
        return updated_node

    def _appended(self, line: cst.SimpleStatementLine, call: cst.Call) -> cst.BaseStatement:
        if self._status.appended[call] == "services":
            moved = line.visit(_Key("services"))
            assert isinstance(moved, cst.SimpleStatementLine)
            return moved
        made = call.args[0].value
        assert isinstance(made, cst.Call)
        port = cst.Module([]).code_for_node(port_of(made) or cst.Name("None"))
        bare = cst.parse_statement(f"c['www'] = {{'port': {port}, 'plugins': {{}}}}")
        assert isinstance(bare, cst.SimpleStatementLine)
        return line.with_changes(body=bare.body)


class _Key(cst.CSTTransformer):
    """Renames ``c['status']``."""

    def __init__(self, key: str) -> None:
        self._key = key

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.Subscript:
        return (
            renamed_key(updated_node, self._key)
            if key_of(original_node) == "status"
            else updated_node
        )


def port_of(call: cst.Call) -> cst.BaseExpression | None:
    """Return the port that a ``WebStatus`` listens on."""
    for one in call.args:
        if one.keyword is None or one.keyword.value == "http_port":
            return one.value
    return None
