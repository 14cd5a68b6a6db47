"""What the names of a source stand for: ``steps.Git`` for ``buildbot.plugins.steps.Git``."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from buildbot import plugins
from buildbot.plugins.old_names import OLD_NAMES

PLUGINS = "buildbot.plugins"


class Bindings:
    """The names of one source, as its imports bind them.

    A name that is bound in another way as well, in whatever scope, counts as Buildbot's only where
    it can mean nothing else: ``worker.Worker`` beside ``for worker in workers``.
    """

    def __init__(self, source: cst.Module) -> None:
        self.module = source
        found = _Found()
        source.visit(found)
        self.stars = tuple(found.stars)
        """The modules that all names are imported from."""
        self.bound = frozenset(found.bound)
        """The names that are bound anywhere in the source, but by imports of Buildbot's."""
        self.imported = dict(found.imported)
        """The names that are imported from Buildbot, with their full names."""
        self._lines: dict[cst.CSTNode, int] | None = None

    def line(self, node: cst.CSTNode) -> int:
        """Return the node's line."""
        if self._lines is None:
            wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
            positions = wrapper.resolve(PositionProvider)
            self._lines = {one: place.start.line for one, place in positions.items()}
        return self._lines.get(node, 1)

    def of(self, node: cst.CSTNode) -> str | None:
        """Return the full name of what an expression stands for, if it is Buildbot's."""
        written = dotted(node)
        if written is None:
            return None
        head, _, rest = written.partition(".")
        if head in self.bound and not rest[:1].isupper():
            return None
        if (module := self.imported.get(head)) is not None:
            return f"{module}.{rest}" if rest else module
        return self._from_stars(written, head) if self.stars else None

    def _from_stars(self, written: str, head: str) -> str | None:
        for module in self.stars:
            if module == PLUGINS and head in (*plugins.__all__, "buildslave", "status"):
                return f"{PLUGINS}.{written}"
            if head in OLD_NAMES.get(module, {}):
                return f"{module}.{written}"
        return None


def dotted(node: cst.CSTNode | None) -> str | None:
    """Return a dotted name as it is written, None for any other expression."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=owner, attr=cst.Name(value=name)):
            before = dotted(owner)
            return f"{before}.{name}" if before else None
    return None


class _Found(cst.CSTVisitor):
    """Collects what is bound in a source."""

    def __init__(self) -> None:
        self.stars: list[str] = []
        self.bound: set[str] = set()
        self.imported: dict[str, str] = {}

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        module = "." * len(node.relative) + (dotted(node.module) or "")
        if isinstance(node.names, cst.ImportStar):
            self.stars.append(module)
            return False
        for alias in node.names:
            local = alias.evaluated_alias or alias.evaluated_name
            if module.partition(".")[0] == "buildbot":
                self.imported[local] = f"{module}.{alias.evaluated_name}"
            else:
                self.bound.add(local)
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        for alias in node.names:
            first = alias.evaluated_name.partition(".")[0]
            if first == "buildbot":
                local = alias.evaluated_alias
                self.imported[local or first] = alias.evaluated_name if local else first
            else:
                self.bound.add(alias.evaluated_alias or first)
        return False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._bind(node.target)

    def visit_For(self, node: cst.For) -> None:
        self._bind(node.target)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._bind(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._bind(node.name)

    def visit_Param(self, node: cst.Param) -> None:
        self.bound.add(node.name.value)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.bound.add(node.name.value)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.bound.add(node.name.value)

    def _bind(self, target: cst.CSTNode) -> None:
        match target:
            case cst.Name(value=name):
                self.bound.add(name)
            case cst.Tuple(elements=elements) | cst.List(elements=elements):
                self._bind_all([element.value for element in elements])
            case cst.StarredElement(value=value):
                self._bind(value)

    def _bind_all(self, targets: Sequence[cst.CSTNode]) -> None:
        for target in targets:
            self._bind(target)
