"""Validation of changes from sources and users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import structs

from chargehand.domain.canonical import NotStorable, canonical
from chargehand.domain.change import NewChange
from chargehand.domain.json import Json
from chargehand.domain.properties import Property
from chargehand.domain.trust import TrustLevel, UnknownLevel, level_from

_SOURCE = "Change"

_KNOWN = frozenset(
    {
        *("author", "who", "committer", "files", "comments", "revision"),
        *("when_timestamp", "when", "branch", "category", "revlink", "properties"),
        *("repository", "project", "codebase", "src", "links", "isdir", "trust"),
    }
)


class InvalidChange(ValueError):
    """The change is invalid; the message says which part is wrong."""


def change_from(fields: Mapping[str, object]) -> NewChange:
    """Create a change from a source's arguments, under Buildbot's old and new names.

    Decodes bytes as UTF-8. Raises InvalidChange for the first invalid part.
    """
    given = {_text("a field's name", name): value for name, value in fields.items()}
    unknown = given.keys() - _KNOWN
    if unknown:
        raise InvalidChange(
            f"unknown arguments for a change: {', '.join(sorted(map(repr, unknown)))}"
        )
    author = _first(given, "author", "who")
    if author is None:
        raise InvalidChange("a change needs an author")
    return NewChange(
        author=_text("author", author),
        committer=_optional("committer", given.get("committer")),
        files=_files(given.get("files")),
        comments=_text("comments", given.get("comments") or ""),
        revision=_optional("revision", given.get("revision")),
        when=_time(_first(given, "when_timestamp", "when")),
        branch=_optional("branch", given.get("branch")),
        category=_optional("category", given.get("category")),
        revlink=_text("revlink", given.get("revlink") or ""),
        properties=_properties(given.get("properties")),
        repository=_text("repository", given.get("repository") or ""),
        project=_text("project", given.get("project") or ""),
        codebase=_text("codebase", given.get("codebase") or ""),
        trust=_trust(given.get("trust")),
        trust_reason=None if given.get("trust") is None else "as its sender said",
    )


def checked(change: NewChange) -> NewChange:
    """Return the change with all bytes decoded. Raises InvalidChange, as `change_from` does.

    Changes come from users' code, which is not type-checked.
    """
    properties = {name: value for name, (value, _) in change.properties.items()}
    fields = structs.asdict(change)
    reason = fields.pop("trust_reason")
    plain = change_from({**fields, "properties": properties})
    sources = {name: _text("a source", source) for name, (_, source) in change.properties.items()}
    return structs.replace(
        plain,
        trust_reason=None if reason is None else _text("trust_reason", reason),
        properties={name: (value, sources[name]) for name, (value, _) in plain.properties.items()},
    )


def as_dict(change: NewChange) -> dict[str, object]:
    """Return a change as a dictionary, for functions of the configuration."""
    return {
        "author": change.author,
        "committer": change.committer,
        "files": list(change.files),
        "comments": change.comments,
        "revision": change.revision,
        "when_timestamp": change.when,
        "branch": change.branch,
        "category": change.category,
        "revlink": change.revlink,
        "properties": {name: value for name, (value, _) in change.properties.items()},
        "repository": change.repository,
        "project": change.project,
        "codebase": change.codebase or None,
    }


def _first(given: Mapping[str, object], *names: str) -> object:
    return next((given[name] for name in names if given.get(name) is not None), None)


def _text(name: str, value: object) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidChange(f"{name} is not UTF-8: {value!r}") from error
    if isinstance(value, str):
        # os.fsdecode turns undecodable bytes into lone surrogates, which no database stores.
        return value.encode("utf-8", "replace").decode("utf-8")
    raise InvalidChange(f"{name} must be a string, not {value!r}")


def _optional(name: str, value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # Subversion's revisions are numbers.
    return None if value is None else _text(name, value)


def _files(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InvalidChange(f"files must be a list of file names, not {value!r}")
    return tuple(_text("a file's name", name) for name in value)


def _time(value: object) -> float | None:
    match value:
        case None:
            return None
        case datetime():
            return value.timestamp()
        case bool():
            raise InvalidChange(f"when must be seconds since 1970, not {value!r}")
        case int() | float():
            return float(value)
        case _:
            raise InvalidChange(f"when must be seconds since 1970, not {value!r}")


def _trust(value: object) -> TrustLevel:
    if value is None:
        return TrustLevel.TRUSTED
    try:
        return level_from(_text("trust", value))
    except UnknownLevel as error:
        raise InvalidChange(str(error)) from None


def _properties(value: object) -> dict[str, Property]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidChange(f"properties must be a dictionary, not {value!r}")
    return {
        _text("a property's name", name): (_storable(name, given), _SOURCE)
        for name, given in value.items()
    }


def _storable(name: object, value: object) -> Json:
    try:
        return canonical(_plain(name, value), f"property {name!r}")
    except NotStorable as error:
        raise InvalidChange(str(error)) from None


def _plain(name: object, value: object) -> object:
    """Return a JSON value."""
    match value:
        case None | bool() | int() | float():
            return value
        case str() | bytes():
            return _text(f"property {name!r}", value)
        case Mapping():
            return {
                _text(f"property {name!r}", key): _plain(name, part) for key, part in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_plain(name, part) for part in value]
        case _:
            raise InvalidChange(f"property {name!r} must have a JSON value, not {value!r}")
