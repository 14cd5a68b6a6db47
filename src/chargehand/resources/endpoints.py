"""The paths of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from chargehand.resources.catalog import ENTITIES
from chargehand.resources.query import Scope

# Names that older releases of Buildbot allowed are any text.
_IDENTIFIER = re.compile(r"[^\x00-\x1f]+\Z")
_NUMBER = re.compile(r"-?[0-9]{1,18}\Z")


class Endpoint(msgspec.Struct, frozen=True):
    """A path with placeholders; ``kind`` is the resource kind to query."""

    path: str
    kind: str
    plural: str
    """The entity."""
    key: str
    """The key of the rows in the answer."""
    is_collection: bool

    @property
    def form(self) -> str:
        """The last segment: ``raw``, ``value`` …, which selects a form of the resource."""
        return self.path.rpartition("/")[2]


class Resolved(msgspec.Struct, frozen=True):
    """An endpoint, with the values of its placeholders."""

    endpoint: Endpoint
    scope: Scope


class _Node(msgspec.Struct):
    endpoint: Endpoint | None = None
    literals: dict[str, _Node] = msgspec.field(default_factory=dict)
    placeholders: dict[str, _Node] = msgspec.field(default_factory=dict)


def _declared() -> Iterator[Endpoint]:
    for entity in ENTITIES:
        plural, key = entity.plural, entity.key or entity.plural
        for kind, paths in {plural: entity.collections, **entity.variants}.items():
            yield from (Endpoint(path, kind, plural, key, is_collection=True) for path in paths)
        for path in entity.singles:
            yield Endpoint(path, plural, plural, key, is_collection=False)


def _compiled() -> tuple[_Node, tuple[Endpoint, ...]]:
    root = _Node()
    endpoints = tuple(sorted(_declared(), key=lambda endpoint: endpoint.path))
    for endpoint in endpoints:
        node = root
        for segment in endpoint.path.split("/") if endpoint.path else ():
            nodes = node.placeholders if ":" in segment else node.literals
            node = nodes.setdefault(segment, _Node())
        node.endpoint = endpoint
    _sort_placeholders(root)
    return root, endpoints


def _sort_placeholders(node: _Node) -> None:
    # Try numbers first, then identifiers, then any string.
    node.placeholders = dict(
        sorted(node.placeholders.items(), key=lambda item: "nis".index(item[0][0]))
    )
    for child in (*node.literals.values(), *node.placeholders.values()):
        _sort_placeholders(child)


_ROOT, ENDPOINTS = _compiled()

ROOT_LINKS = tuple(
    entity.plural
    for entity in sorted(ENTITIES, key=lambda entity: entity.plural)
    if entity.is_at_root and entity.plural in (*entity.collections, *entity.singles)
)
"""The endpoints listed at the API's root."""


def resolve(path: tuple[str | int, ...]) -> Resolved | None:
    """Resolve *path* (decoded segments); None if there is no such endpoint."""
    return _walk(_ROOT, tuple(map(str, path)), 0, {})


def _walk(node: _Node, path: tuple[str, ...], index: int, scope: Scope) -> Resolved | None:
    if index == len(path):
        return Resolved(node.endpoint, scope) if node.endpoint else None
    segment = path[index]
    if (child := node.literals.get(segment)) and (
        found := _walk(child, path, index + 1, scope)
    ) is not None:
        return found
    for placeholder, child in node.placeholders.items():
        letter, _, name = placeholder.partition(":")
        if _fits(letter, segment):
            value: int | str = int(segment) if letter == "n" else segment
            found = _walk(child, path, index + 1, {**scope, name: value})
            if found is not None:
                return found
    return None


def _fits(letter: str, segment: str) -> bool:
    match letter:
        case "n":
            return bool(_NUMBER.match(segment))
        case "i":
            return bool(_IDENTIFIER.match(segment))
        case _:
            return bool(segment)
