"""The tables that plug-ins may read and make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot._border.arguments import did_you_mean

__all__ = ["Model"]


class Model:
    """``metadata`` takes plug-ins' own tables. The master's are attributes, to be read only:
    ``builders``, ``builds``, ``buildrequests``, ``changes`` and others, with Buildbot's columns.
    """

    def __init__(self, database: Callable[[], Any]) -> None:
        self._database = database

    @property
    def metadata(self) -> Any:
        """SQLAlchemy's MetaData."""
        return self._database().metadata

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        tables = self.metadata.tables
        if name not in tables:
            hint = did_you_mean(name, tables) or f"; it has {', '.join(sorted(tables))}"
            raise AttributeError(f'master.db.model has no table "{name}"{hint}')
        return tables[name]
