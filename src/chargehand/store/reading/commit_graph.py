"""How two commits of a codebase are related: their common parent, and the ways to it."""

from __future__ import annotations

from sqlalchemy import bindparam, select, text

from chargehand.resources.field import Resource
from chargehand.resources.query import Query, Scope
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import commits

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


def common_parent(reading: Reading, query: Query) -> list[Resource]:
    """Return one row: the newest commit that both descend from, and what came after it."""
    scope = query.scope
    one, other = (_ancestors(reading, scope, f"commitid{number}") for number in (1, 2))
    shared = set(other)
    common = next((commit for commit in one if commit in shared), None)
    if common is None:
        return []
    return [{"common": common, "to1": _until(one, common), "to2": _until(other, common)}]


def _ancestors(reading: Reading, scope: Scope, commit: str) -> list[int]:
    values = {"codebase": scope["codebaseid"], "commit": scope[commit]}
    return list(reading.execute(_ANCESTORS, values).scalars())


def _until(commits_: list[int], common: int) -> list[int]:
    return commits_[: commits_.index(common)][::-1]
