"""A store on a real database of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from store_workshop import Workshop, opened

NewDatabase = Callable[[str], str]


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Return a function that makes a database of a kind, and returns its URL."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return "sqlite:///state.sqlite"
        return str(request.getfixturevalue("new_postgresql")())

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> str:
    return new_database(request.param)


@pytest.fixture
async def workshop(database_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with opened(database_url, tmp_path) as workshop:
        yield workshop


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def real(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path
) -> AsyncIterator[Workshop | None]:
    """Yield a store of each kind, or None where a fake is to be held to its promises."""
    if request.param == "memory":
        yield None
        return
    async with opened(new_database(request.param), tmp_path) as workshop:
        yield workshop
