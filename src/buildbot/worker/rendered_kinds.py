"""Arguments of latent workers that may be renderable as a whole: what they were rendered to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot.interfaces import LatentWorkerCannotSubstantiate


def mapping_of(name: str, rendered: Any) -> dict[str, Any]:
    """Return a dictionary; nothing in it for None. Raises LatentWorkerCannotSubstantiate."""
    if rendered is None:
        return {}
    if not isinstance(rendered, Mapping):
        raise _wrong(name, "a dictionary", rendered)
    return dict(rendered)


def list_of(name: str, rendered: Any) -> list[Any]:
    """Return a list; an empty one for None. Raises LatentWorkerCannotSubstantiate."""
    if rendered is None:
        return []
    if not isinstance(rendered, list | tuple):
        raise _wrong(name, "a list", rendered)
    return list(rendered)


def _wrong(name: str, what: str, rendered: Any) -> LatentWorkerCannotSubstantiate:
    kind = type(rendered).__name__
    return LatentWorkerCannotSubstantiate(f"{name} must be {what}; it was rendered to a {kind}")
