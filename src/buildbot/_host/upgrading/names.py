"""Old names become those of today: where they are imported, and where they are used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

import libcst as cst

from buildbot._host.upgrading.bindings import PLUGINS, Bindings, dotted
from buildbot._host.upgrading.values import Remark
from buildbot.plugins.old_names import OLD_NAMES, OLD_PLUGINS


def _has_file(module: str) -> bool:
    found = find_spec(module)
    return found is not None and found.origin is not None


_ALL = {
    f"{module}.{name}": old
    for module, names in (OLD_NAMES | OLD_PLUGINS).items()
    for name, old in names.items()
}
_MOVED = {full: old for full, old in _ALL.items() if old.new and old.is_moved}
_REAL_MODULES = frozenset(module for module in OLD_NAMES if _has_file(module))
"""Modules of today that have old names besides others."""


def with_todays_names(source: cst.Module) -> tuple[cst.Module, list[Remark]]:
    """Return the source with the names of today, and remarks on those that nothing replaces."""
    bindings = Bindings(source)
    uses = _Uses(bindings)
    bindings.module.visit(uses)
    if not uses.are_old:
        return source, uses.remarks
    return bindings.module.visit(_Renaming(bindings, uses)), uses.remarks


class _Uses(cst.CSTVisitor):
    """Finds the old names that a source uses, and by which imports."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.by_module: dict[str, set[str]] = defaultdict(set)
        """Old names that are used as attributes of a module."""
        self.modules_kept: set[str] = set()
        """Modules that are used in other ways as well."""
        self.are_old = False
        self.remarks: list[Remark] = []
        self._said: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        self.are_old |= any(alias.evaluated_name in OLD_NAMES for alias in node.names)
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        module = dotted(node.module)
        if module is None or node.relative:
            return False
        if isinstance(node.names, cst.ImportStar):
            self.are_old |= module in OLD_NAMES
            return False
        for alias in node.names:
            self._found(f"{module}.{alias.evaluated_name}", node)
        return False

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return self._visit(node)

    def visit_Name(self, node: cst.Name) -> bool:
        return self._visit(node)

    def _visit(self, node: cst.Name | cst.Attribute) -> bool:
        full = self._bindings.of(node)
        if full is None:
            return True
        self._found(full, node)
        if full in _MOVED:
            if isinstance(node, cst.Name) or not _is_renamed_only(full):
                self.by_module[full.rpartition(".")[0]].add(full)
            return False
        if full in OLD_NAMES:
            self.modules_kept.add(full)
        return True

    def _found(self, full: str, node: cst.CSTNode) -> None:
        old = _ALL.get(full)
        self.are_old |= full in OLD_NAMES or full in _MOVED
        if old is not None and full not in _MOVED and full not in self._said:
            self._said.add(full)
            self.remarks.append(Remark(self._bindings.line(node), f"{full}: {old.advice}"))


class _Renaming(cst.CSTTransformer):
    """Writes today's names."""

    def __init__(self, bindings: Bindings, uses: _Uses) -> None:
        self._bindings = bindings
        self._uses = uses
        self._written: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._renamed(original_node) or updated_node

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        full = self._bindings.of(original_node)
        if full is not None and full in _MOVED and _is_renamed_only(full):
            return updated_node.with_changes(attr=cst.Name(_today(full).rpartition(".")[2]))
        return self._renamed(original_node) or updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]:
        found = [self._replaced(statement) for statement in original_node.body]
        if all(one is None for one in found):
            return updated_node
        lines: list[cst.BaseSmallStatement] = []
        for statement, instead in zip(updated_node.body, found, strict=True):
            lines.extend([statement] if instead is None else instead)
        return _as_lines(updated_node, lines)

    def _renamed(self, node: cst.Name | cst.Attribute) -> cst.Name | None:
        full = self._bindings.of(node)
        if full is None or full not in _MOVED:
            return None
        imported = isinstance(node, cst.Name) and node.value in self._bindings.imported
        if imported and node.value != full.rpartition(".")[2]:
            return None  # imported under a name of the author's own
        return cst.Name(self._local(full))

    def _local(self, full: str) -> str:
        """Return the name that stands for an old name in this source: today's, if it is free."""
        old, new = full.rpartition(".")[2], _today(full)
        name = new.rpartition(".")[2]
        taken = self._bindings.imported.get(name, new)
        is_same = taken == new or (taken in _MOVED and _today(taken) == new)
        return name if is_same and name not in self._bindings.bound else old

    def _replaced(self, statement: cst.BaseSmallStatement) -> list[cst.BaseSmallStatement] | None:
        match statement:
            case cst.ImportFrom(module=module, relative=[]) if module is not None:
                return self._from(statement, dotted(module) or "")
            case cst.Import(names=names):
                return self._modules(statement, names)
        return None

    def _from(self, node: cst.ImportFrom, module: str) -> list[cst.BaseSmallStatement] | None:
        if isinstance(node.names, cst.ImportStar):
            if module == PLUGINS:
                wanted = [
                    *self._uses_of(f"{PLUGINS}.buildslave"),
                    *self._uses_of(f"{PLUGINS}.status"),
                ]
                return [node, *self._imports(wanted)] if wanted else None
            if module not in OLD_NAMES:
                return None
            kept = [node] if module in _REAL_MODULES else []
            return [*kept, *self._imports(self._uses_of(module))]
        aliases: list[cst.ImportAlias] = []
        wanted = []
        for alias in node.names:
            full = f"{module}.{alias.evaluated_name}"
            if full in _MOVED:
                wanted.append((full, alias.evaluated_alias or self._local(full)))
            elif full in OLD_NAMES and self._uses.by_module[full]:
                wanted.extend(self._uses_of(full))
                is_kept = full in self._uses.modules_kept or full in _REAL_MODULES
                aliases.extend([alias] if is_kept else [])
            else:
                aliases.append(alias)
        if not wanted:
            return None
        rest = [node.with_changes(names=_without_comma(aliases))] if aliases else []
        return [*rest, *self._imports(wanted)]

    def _modules(
        self, node: cst.Import, names: Sequence[cst.ImportAlias]
    ) -> list[cst.BaseSmallStatement] | None:
        aliases: list[cst.ImportAlias] = []
        wanted: list[tuple[str, str]] = []
        for alias in names:
            module = alias.evaluated_name
            used = self._uses.by_module.get(module)
            if used:
                wanted.extend(self._uses_of(module))
            if not used or module in self._uses.modules_kept or module in _REAL_MODULES:
                aliases.append(alias)
        if not wanted:
            return None
        rest = [node.with_changes(names=_without_comma(aliases))] if aliases else []
        return [*rest, *self._imports(wanted)]

    def _uses_of(self, module: str) -> list[tuple[str, str]]:
        return [(full, self._local(full)) for full in sorted(self._uses.by_module[module])]

    def _imports(self, wanted: Iterable[tuple[str, str]]) -> list[cst.BaseSmallStatement]:
        by_module: dict[str, list[str]] = {}
        for full, local in wanted:
            module, _, name = _MOVED[full].new.partition(":")
            text = name if name == local else f"{name} as {local}"
            line = f"from {module} import {text}"
            if (
                line not in self._written
                and self._bindings.imported.get(local) != f"{module}.{name}"
            ):
                self._written.add(line)
                by_module.setdefault(module, []).append(text)
        return [_import_from(module, names) for module, names in by_module.items()]


def _is_renamed_only(full: str) -> bool:
    """Return whether a name is in the same module as before."""
    return _MOVED[full].new.partition(":")[0] == full.rpartition(".")[0]


def _today(full: str) -> str:
    """Return the full name of today."""
    return _MOVED[full].new.replace(":", ".")


def _import_from(module: str, names: list[str]) -> cst.BaseSmallStatement:
    parsed = cst.parse_statement(f"from {module} import {', '.join(names)}")
    assert isinstance(parsed, cst.SimpleStatementLine)
    return parsed.body[0]


def _without_comma(aliases: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    *rest, last = aliases
    return [*rest, last.with_changes(comma=cst.MaybeSentinel.DEFAULT)]


def _as_lines(
    line: cst.SimpleStatementLine, statements: Sequence[cst.BaseSmallStatement]
) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]:
    """Return each statement as a line; comments stay before the first, and behind the last."""
    bare = [statement.with_changes(semicolon=cst.MaybeSentinel.DEFAULT) for statement in statements]
    if not bare:
        bare = [cst.Pass()]
    lines = [cst.SimpleStatementLine(body=[statement]) for statement in bare]
    lines[0] = lines[0].with_changes(leading_lines=line.leading_lines)
    lines[-1] = lines[-1].with_changes(trailing_whitespace=line.trailing_whitespace)
    return cst.FlattenSentinel(lines)
