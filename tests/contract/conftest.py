"""A store on a real database of each kind; PostgreSQL runs privately, from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest
from sqlalchemy import create_engine, text
from store_workshop import Workshop, opened

_numbers = count(1)


def _tool(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install postgresql)")
    return found


def _run(*command: str) -> None:
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[Path]:
    initdb, pg_ctl = _tool("initdb"), _tool("pg_ctl")
    directory = Path(mkdtemp(prefix="chargehand-postgresql-"))
    if os.getuid() == 0:
        shutil.chown(directory, "postgres")
    data = directory / "data"
    _run(initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
    options = f"-k {directory} -c listen_addresses='' -c fsync=off -c max_connections=50"
    _run(pg_ctl, "-D", str(data), "-w", "-o", options, "-l", str(directory / "log"), "start")
    try:
        yield directory
    finally:
        _run(pg_ctl, "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)


NewDatabase = Callable[[str], str]


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Return a function that makes a database of a kind, and returns its URL."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return "sqlite:///state.sqlite"
        socket = request.getfixturevalue("postgresql_socket")
        name = f"test{next(_numbers)}"
        server = create_engine(
            f"postgresql+psycopg://postgres@/postgres?host={socket}", isolation_level="AUTOCOMMIT"
        )
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        server.dispose()
        return f"postgresql://postgres@/{name}?host={socket}"

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
