"""Functions of Python 2 that fissix leaves as they are."""

from __future__ import annotations

import libcst as cst

_RENAMED = {"file": "open", "buffer": "memoryview", "StandardError": "Exception"}
_WANTED = (*_RENAMED, "cmp", "maxint", "join", "joinfields")
_JOINING = ("join", "joinfields")


def with_todays_functions(text: str) -> str:
    """Return a source that calls none of them; names that it defines itself stay its own."""
    if not any(name in text for name in _WANTED):
        return text
    try:
        module = cst.parse_module(text)
    except cst.ParserSyntaxError:
        return text  # What is wrong is said where it is parsed next.
    bound = _Bound()
    module.visit(bound)
    return module.visit(_Functions(bound.names)).code


class _Bound(cst.CSTVisitor):
    """The names that a source binds."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        if isinstance(node.target, cst.Name):
            self.names.add(node.target.value)

    def visit_AsName(self, node: cst.AsName) -> None:
        if isinstance(node.name, cst.Name):
            self.names.add(node.name.value)

    def visit_For(self, node: cst.For) -> None:
        if isinstance(node.target, cst.Name):
            self.names.add(node.target.value)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        if isinstance(node.target, cst.Name):
            self.names.add(node.target.value)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        if isinstance(node.name, cst.Name):
            self.names.add(node.name.value)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.names.add(node.name.value)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.names.add(node.name.value)

    def visit_Param(self, node: cst.Param) -> None:
        self.names.add(node.name.value)


class _Functions(cst.CSTTransformer):
    """Calls of functions that are gone become what does the same."""

    def __init__(self, bound: set[str]) -> None:
        self._bound = bound

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        values = [one.value for one in updated_node.args]
        is_plain = not any(one.star or one.keyword for one in updated_node.args)
        match updated_node.func:
            case cst.Name(value=name) if name in _RENAMED and name not in self._bound:
                return updated_node.with_changes(func=cst.Name(_RENAMED[name]))
            case cst.Name(value="cmp") if len(values) == 2 and is_plain:
                return updated_node if "cmp" in self._bound else _compared(*values)
            case cst.Attribute(value=cst.Name(value="string"), attr=cst.Name(value=name)) if (
                name in _JOINING and len(values) in (1, 2) and is_plain
            ):
                between = values[1] if len(values) > 1 else cst.SimpleString("' '")
                return _joined(between, values[0])
        return updated_node

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        match updated_node:
            case cst.Attribute(value=cst.Name(value="sys"), attr=cst.Name(value="maxint")):
                return updated_node.with_changes(attr=cst.Name("maxsize"))
        return updated_node

    def leave_ExceptHandler(
        self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler
    ) -> cst.ExceptHandler:
        match updated_node.type:
            case cst.Name(value="StandardError") if "StandardError" not in self._bound:
                return updated_node.with_changes(type=cst.Name("Exception"))
        return updated_node


def _compared(one: cst.BaseExpression, other: cst.BaseExpression) -> cst.BaseExpression:
    return cst.parse_expression(
        f"(({_code(one)} > {_code(other)}) - ({_code(one)} < {_code(other)}))"
    )


def _joined(between: cst.BaseExpression, words: cst.BaseExpression) -> cst.BaseExpression:
    shown = _code(between)
    if not isinstance(between, cst.SimpleString | cst.Name | cst.Attribute | cst.Call):
        shown = f"({shown})"
    return cst.parse_expression(f"{shown}.join({_code(words)})")


def _code(expression: cst.BaseExpression) -> str:
    return cst.Module([]).code_for_node(expression)
