"""``implements(...)`` in a class becomes the decorator ``@implementer(...)``."""

from __future__ import annotations

import libcst as cst

from buildbot._host.upgrading.bindings import dotted
from buildbot._host.upgrading.values import Remark

_OLD, _NEW = "implements", "implementer"


def with_implementer(source: cst.Module) -> tuple[cst.Module, list[Remark]]:
    """Return the source with decorators for what its classes say that they implement."""
    return source.visit(_Implementing()), []


class _Implementing(cst.CSTTransformer):
    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        if not isinstance(updated_node.body, cst.IndentedBlock):
            return updated_node
        decorators = list(updated_node.decorators)
        body: list[cst.BaseStatement] = []
        for statement in updated_node.body.body:
            call = _declaration(statement)
            if call is None:
                body.append(statement)
            else:
                owner = dotted(call.func) or _OLD
                name = f"{owner.removesuffix(_OLD)}{_NEW}"
                decorators.append(cst.Decorator(call.with_changes(func=cst.parse_expression(name))))
        if len(body) == len(updated_node.body.body):
            return updated_node
        body = body or [cst.SimpleStatementLine([cst.Pass()])]
        return updated_node.with_changes(
            decorators=decorators, body=updated_node.body.with_changes(body=body)
        )

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom:
        names = updated_node.names
        if dotted(updated_node.module) != "zope.interface" or isinstance(names, cst.ImportStar):
            return updated_node
        return updated_node.with_changes(
            names=[
                alias.with_changes(name=cst.Name(_NEW)) if alias.evaluated_name == _OLD else alias
                for alias in names
            ]
        )


def _declaration(statement: cst.BaseStatement) -> cst.Call | None:
    """Return the call of a line that is only ``implements(...)``."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=function) as call)]):
            if dotted(function) in (_OLD, f"interface.{_OLD}", f"zope.interface.{_OLD}"):
                return call
    return None
