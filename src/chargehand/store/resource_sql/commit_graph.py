"""How two commits of a codebase are related: their common parent, and the ways to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select, text

from chargehand.resources.query import Page, Query
from chargehand.store.tables import commits

_commit = commits.c
_OF_CODEBASE = _commit.codebase_id == bindparam("codebase")
_start = (
    select(_commit.id, _commit.parent_commit_id)
    .where(_commit.id == bindparam("commit"), _OF_CODEBASE)
    .cte("ancestors", recursive=True)
)
_ANCESTORS = select(
    _start.union(
        select(_commit.id, _commit.parent_commit_id).where(
            _commit.id == _start.c.parent_commit_id, _OF_CODEBASE
        )
    ).c.id
).order_by(text("id DESC"))


def common_parent(connection: Connection, query: Query) -> Page:
    """Return one row: the newest commit that both descend from, and what came after it."""
    scope = query.scope
    one, other = (_ancestors(connection, scope, f"commitid{number}") for number in (1, 2))
    shared = set(other)
    common = next((commit for commit in one if commit in shared), None)
    if common is None:
        return Page(rows=[], total=0)
    row = {"common": common, "to1": _until(one, common), "to2": _until(other, common)}
    return Page(rows=[row], total=1)


def _ancestors(connection: Connection, scope: dict[str, Any], commit: str) -> list[int]:
    values = {"codebase": scope["codebaseid"], "commit": scope[commit]}
    return list(connection.execute(_ANCESTORS, values).scalars())


def _until(commits_: list[int], common: int) -> list[int]:
    return commits_[: commits_.index(common)][::-1]
