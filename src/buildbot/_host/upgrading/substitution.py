"""Texts with properties in them: ``WithProperties`` becomes ``Interpolate``, slaves workers."""

from __future__ import annotations

import re

import libcst as cst

from buildbot._host.upgrading.bindings import Bindings, dotted

PROPERTIES = "buildbot.process.properties"
_NAMED = re.compile(r"%\((?P<name>[\w.-]+?)(?P<form>:[-+~].*?)?\)s")
_OTHER = re.compile(r"%(?![%(])")
_PLAIN = re.compile(r"%(%|s)")


def interpolation(call: cst.Call) -> cst.BaseExpression | None:
    """Return ``WithProperties(...)`` as ``Interpolate(...)``, None where that takes thought."""
    if not call.args or any(one.keyword is not None or one.star for one in call.args):
        return None
    texts = [_simple(one.value) for one in call.args]
    if any(text is None for text in texts):
        return None
    first, *names = (text for text in texts if text is not None)
    new = _with_positions(first, names) if names else _with_names(first)
    if new is None:
        return None
    written = call.args[0].value
    assert isinstance(written, cst.SimpleString)
    quoted = f"{written.prefix.lower().replace('u', '')}{written.quote}{new}{written.quote}"
    argument = call.args[0].with_changes(
        value=cst.SimpleString(quoted), comma=cst.MaybeSentinel.DEFAULT
    )
    return of_workers(call.with_changes(func=_interpolate(call.func), args=[argument]))


def _interpolate(function: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(function, cst.Attribute):
        return function.with_changes(attr=cst.Name("Interpolate"))
    return cst.Name("Interpolate")


def _simple(node: cst.BaseExpression) -> str | None:
    """Return what is between the quotes of a text, None where it is more than that."""
    if not isinstance(node, cst.SimpleString) or not isinstance(node.evaluated_value, str):
        return None
    return node.raw_value


def _with_names(text: str) -> str | None:
    rest = _NAMED.sub("", text).replace("%%", "")
    if _OTHER.search(rest) or "%(" in rest:
        return None
    return _NAMED.sub(lambda found: f"%(prop:{found['name']}{found['form'] or ''})s", text)


def _with_positions(text: str, names: list[str]) -> str | None:
    places = [found for found in _PLAIN.finditer(text) if found[1] == "s"]
    if len(places) != len(names) or _OTHER.search(_PLAIN.sub("", text)) or "%(" in text:
        return None
    forms = iter(names)
    return _PLAIN.sub(
        lambda found: f"%(prop:{next(forms)})s" if found[1] == "s" else found[0], text
    )


def of_workers(call: cst.Call) -> cst.Call:
    """Return the call with the properties of workers, which were called slaves, in its text."""
    if not call.args or not isinstance(text := call.args[0].value, cst.SimpleString):
        return call
    new = re.sub(r"%\(slave:", "%(worker:", text.value)
    new = re.sub(r"(%\((prop:)?|^['\"])slavename\b", r"\1workername", new)
    first = call.args[0].with_changes(value=text.with_changes(value=new))
    return call.with_changes(args=[first, *call.args[1:]])


class ImportOfInterpolate(cst.CSTTransformer):
    """Imports ``Interpolate`` beside, or in place of, ``WithProperties``."""

    def __init__(self, source: cst.Module, bindings: Bindings) -> None:
        names = _Names()
        source.visit(names)
        self._still = "WithProperties" in names.found
        self._wanted = bindings.imported.get("Interpolate") is None

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom:
        names = updated_node.names
        if dotted(updated_node.module) != PROPERTIES or isinstance(names, cst.ImportStar):
            return updated_node
        found: list[cst.ImportAlias] = []
        for alias in names:
            if alias.evaluated_name != "WithProperties" or alias.asname is not None:
                found.append(alias)
                continue
            if self._still:
                comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
                found.append(alias.with_changes(comma=comma) if self._wanted else alias)
            if self._wanted:
                found.append(alias.with_changes(name=cst.Name("Interpolate")))
                self._wanted = False
        if not found:
            return updated_node
        *rest, last = found
        trailing = last.comma if names[-1].comma is last.comma else cst.MaybeSentinel.DEFAULT
        return updated_node.with_changes(names=[*rest, last.with_changes(comma=trailing)])


class _Names(cst.CSTVisitor):
    """Collects the names that a source uses, but for what its imports say."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)
