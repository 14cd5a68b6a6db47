"""Rows of the database as users' code gets them."""

from __future__ import annotations

from typing import Any


class Model(dict[str, Any]):
    """A row: its fields are attributes, as Buildbot 4 has them, and items, as before."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a row has no {name!r}; it has {', '.join(self)}") from None


def identified(row: dict[str, Any], key: str) -> Model:
    """Return a row whose identifier is also called ``id``."""
    return Model(row, id=row[key])


def properties_of(found: Any) -> dict[str, tuple[Any, str]]:
    """Return ``{name: (value, source)}``."""
    return {name: (value, source) for name, (value, source) in (found or {}).items()}
