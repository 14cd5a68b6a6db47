"""Old arguments become those of today, wherever something of Buildbot's is called."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.helpers import get_full_name_for_node

from buildbot._border.old_arguments import RENAMED_ARGUMENTS, SOURCE_MODES, SOURCE_STEPS
from buildbot._host.upgrading.bindings import Bindings
from buildbot._host.upgrading.substitution import (
    PROPERTIES,
    ImportOfInterpolate,
    interpolation,
    of_workers,
)
from buildbot._host.upgrading.values import Remark

_MERGE = (
    "mergeRequests takes function(builder, request1, request2); write collapseRequests="
    "function(master, builder, request1, request2), whose requests are dictionaries"
)
_SHORT = "buildbot.process.factory.s"


def with_todays_arguments(source: cst.Module) -> tuple[cst.Module, list[Remark]]:
    """Return the source with the arguments of today, and remarks on what its author must decide."""
    bindings = Bindings(source)
    renaming = _Arguments(bindings)
    found = bindings.module.visit(renaming)
    if renaming.interpolates:
        found = found.visit(ImportOfInterpolate(found, bindings))
    return found, renaming.remarks


class _Arguments(cst.CSTTransformer):
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.remarks: list[Remark] = []
        self.interpolates = False
        """Whether ``Interpolate`` has become the name of something that is called."""

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        full = self._bindings.of(original_node.func)
        if full is None:
            return self._added(original_node, updated_node)
        kind = full.removesuffix(".__init__").rpartition(".")[2]
        if kind in ("Interpolate", "Property", "WithProperties"):
            updated_node = of_workers(updated_node)
        if kind == "WithProperties" and self._may_interpolate(original_node.func):
            return self._interpolated(updated_node)
        if full == _SHORT and updated_node.args:
            made, *arguments = updated_node.args
            return cst.Call(made.value, arguments)
        found: list[cst.Arg] = []
        for one in updated_node.args:
            found.extend(self._of_today(kind, one, original_node))
        return updated_node.with_changes(args=found)

    def leave_Dict(self, original_node: cst.Dict, updated_node: cst.Dict) -> cst.Dict:
        """Rename the keys of builders that are plain dictionaries."""
        keys = {_text(element.key) for element in _elements(updated_node)}
        if not {"name", "factory"} <= keys:
            return updated_node
        names = RENAMED_ARGUMENTS["BuilderConfig"]
        elements = [
            element.with_changes(key=_renamed_text(element.key, names))
            if isinstance(element, cst.DictElement)
            else element
            for element in updated_node.elements
        ]
        return updated_node.with_changes(elements=elements)

    def _of_today(self, kind: str, argument: cst.Arg, call: cst.Call) -> Sequence[cst.Arg]:
        if argument.keyword is None:
            return [argument]
        name = argument.keyword.value
        if kind in SOURCE_STEPS and name == "mode":
            return _modes(argument)
        if (new := RENAMED_ARGUMENTS.get(kind, {}).get(name)) is not None:
            return [argument.with_changes(keyword=cst.Name(new))]
        if kind == "BuilderConfig" and name == "category":
            return [_in_list(argument)]
        if kind == "BuilderConfig" and name == "mergeRequests":
            if get_full_name_for_node(argument.value) in ("True", "False", "None"):
                return [argument.with_changes(keyword=cst.Name("collapseRequests"))]
            self.remarks.append(Remark(self._bindings.line(call), _MERGE))
        return [argument]

    def _may_interpolate(self, function: cst.BaseExpression) -> bool:
        names = self._bindings
        return isinstance(function, cst.Attribute) or (
            "Interpolate" not in names.bound
            and names.imported.get("WithProperties") == f"{PROPERTIES}.WithProperties"
            and names.imported.get("Interpolate", f"{PROPERTIES}.Interpolate").startswith(
                PROPERTIES
            )
        )

    def _interpolated(self, call: cst.Call) -> cst.BaseExpression:
        found = interpolation(call)
        if found is None:
            return call
        self.interpolates |= isinstance(call.func, cst.Name)
        return found

    def _added(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Return ``f.addStep(Kind, a=1)`` as ``f.addStep(Kind(a=1))``."""
        match updated_node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="addStep")), args=[first, *rest]):
                kind = self._bindings.of(original_node.args[0].value)
                is_class = kind is not None and kind.rpartition(".")[2][:1].isupper()
                if first.keyword is None and (rest or is_class) and _is_name(first.value):
                    made = cst.Call(
                        first.value,
                        rest,
                        whitespace_before_args=first.whitespace_after_arg
                        if not rest
                        else updated_node.whitespace_before_args,
                    )
                    return updated_node.with_changes(args=[cst.Arg(made)])
        return updated_node


def _modes(argument: cst.Arg) -> Sequence[cst.Arg]:
    """Return an old mode of a source step as arguments of today."""
    text = _text(argument.value)
    if text is None or text not in SOURCE_MODES or not isinstance(argument.value, cst.SimpleString):
        return [argument]
    quote = argument.value.quote
    *first, last = [
        argument.with_changes(
            keyword=cst.Name(name), value=cst.SimpleString(f"{quote}{value}{quote}")
        )
        for name, value in SOURCE_MODES[text].items()
    ]
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    bare = cst.SimpleWhitespace("")
    return [
        *(one.with_changes(comma=comma, whitespace_after_arg=bare) for one in first),
        last,
    ]


def _in_list(argument: cst.Arg) -> cst.Arg:
    """Return ``category=x`` as ``tags=[x]``."""
    value: cst.BaseExpression = argument.value
    if get_full_name_for_node(value) != "None":
        value = cst.List([cst.Element(value)])
    return argument.with_changes(keyword=cst.Name("tags"), value=value)


def _elements(node: cst.Dict) -> list[cst.DictElement]:
    return [element for element in node.elements if isinstance(element, cst.DictElement)]


def _text(node: cst.BaseExpression) -> str | None:
    if not isinstance(node, cst.SimpleString):
        return None
    value = node.evaluated_value
    return value if isinstance(value, str) else None


def _renamed_text(node: cst.BaseExpression, names: dict[str, str]) -> cst.BaseExpression:
    text = _text(node)
    if text is None or text not in names or not isinstance(node, cst.SimpleString):
        return node
    return node.with_changes(value=node.value.replace(text, names[text]))


def _is_name(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name | cst.Attribute)
