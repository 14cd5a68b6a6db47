"""Old keys of ``BuildmasterConfig`` become those of today."""

from __future__ import annotations

import libcst as cst
from libcst.helpers import get_full_name_for_node

from buildbot._border.old_keys import MERGE_RULE, REMOVED_KEYS, RENAMED_KEYS
from buildbot._host.upgrading.bindings import Bindings
from buildbot._host.upgrading.values import Remark

CONFIG = "BuildmasterConfig"
_USUAL = ("c", "config", CONFIG)
_LITERALS = ("True", "False", "None")


def with_todays_keys(source: cst.Module) -> tuple[cst.Module, list[Remark]]:
    """Return the source with the keys of today, and remarks on those that nothing replaces."""
    bindings = Bindings(source)
    renaming = _Keys(bindings)
    return bindings.module.visit(renaming), renaming.remarks


def key_of(node: cst.CSTNode) -> str | None:
    """Return the key in ``c['key']``, None for any other expression."""
    match node:
        case cst.Subscript(
            value=owner,
            slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString() as text))],
        ) if get_full_name_for_node(owner) in _USUAL:
            key = text.evaluated_value
            return key if isinstance(key, str) else None
    return None


class _Keys(cst.CSTTransformer):
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.remarks: list[Remark] = []
        self._kept: set[str] = set()
        self._visit_assignments()

    def _visit_assignments(self) -> None:
        """Find the keys whose value no rule can translate: they stay as they are."""
        assigned = _Assigned()
        self._bindings.module.visit(assigned)
        for key, (node, value) in assigned.values.items():
            if key == "mergeRequests" and get_full_name_for_node(value) not in _LITERALS:
                self._keep(key, node, MERGE_RULE)
            elif key in REMOVED_KEYS and key != "status":
                self._keep(key, node, f"c['{key}'] does nothing: {REMOVED_KEYS[key]}")

    def _keep(self, key: str, node: cst.CSTNode, text: str) -> None:
        self._kept.add(key)
        self.remarks.append(Remark(self._bindings.line(node), text))

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        value: cst.BaseExpression = updated_node.value
        for one in original_node.targets:
            if key_of(one.target) == "slavePortnum":
                return updated_node.with_changes(value=_protocols(value))
            if get_full_name_for_node(one.target) == CONFIG and isinstance(value, cst.Dict):
                return updated_node.with_changes(value=self._dictionary(value))
        return updated_node

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.Subscript:
        key = key_of(original_node)
        if key is None or key not in RENAMED_KEYS or key in self._kept:
            return updated_node
        return renamed_key(updated_node, RENAMED_KEYS[key])

    def _dictionary(self, node: cst.Dict) -> cst.Dict:
        return node.with_changes(elements=[self._element(one) for one in node.elements])

    def _element(self, element: cst.BaseDictElement) -> cst.BaseDictElement:
        if not isinstance(element, cst.DictElement) or not isinstance(
            element.key, cst.SimpleString
        ):
            return element
        key = element.key.evaluated_value
        if not isinstance(key, str) or key not in RENAMED_KEYS or key in self._kept:
            return element
        if key == "mergeRequests" and get_full_name_for_node(element.value) not in _LITERALS:
            return element
        value = _protocols(element.value) if key == "slavePortnum" else element.value
        return element.with_changes(key=_renamed(element.key, RENAMED_KEYS[key]), value=value)


class _Assigned(cst.CSTVisitor):
    """Collects what keys are set to."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[cst.CSTNode, cst.BaseExpression]] = {}

    def visit_Assign(self, node: cst.Assign) -> None:
        for one in node.targets:
            if (key := key_of(one.target)) is not None:
                self.values.setdefault(key, (one.target, node.value))


def renamed_key(node: cst.Subscript, new: str) -> cst.Subscript:
    """Return ``c['key']`` with another key."""
    [element] = node.slice
    assert isinstance(element.slice, cst.Index)
    text = _renamed(element.slice.value, new)
    return node.with_changes(
        slice=[element.with_changes(slice=element.slice.with_changes(value=text))]
    )


def _renamed(text: cst.BaseExpression, new: str) -> cst.BaseExpression:
    assert isinstance(text, cst.SimpleString)
    return text.with_changes(value=f"{text.prefix}{text.quote}{new}{text.quote}")


def _protocols(port: cst.BaseExpression) -> cst.BaseExpression:
    """Return ``{'pb': {'port': port}}``."""
    if get_full_name_for_node(port) == "None":
        return cst.Dict([])
    return cst.parse_expression(f"{{'pb': {{'port': {cst.Module([]).code_for_node(port)}}}}}")
