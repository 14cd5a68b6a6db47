"""What holds for all tests; and PostgreSQL, which runs privately, from Debian's packages."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text

_numbers = count(1)

# Hypothesis would write a patch with the failing examples by means of libcst. That fails next to
# zope.interface, and ends the whole run instead of one test.
sys.modules["hypothesis.extra._patching"] = None  # type: ignore[assignment]
# How long an example takes, and how much is drawn for it, says more about the machine and the dice
# than about the code. A run that must pass plays the same examples each time: decision 0094.
settings.register_profile(
    "the same each time",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "explore",
    settings.get_profile("the same each time"),
    derandomize=False,
    max_examples=300,
    print_blob=True,
)
settings.load_profile("explore" if os.environ.get("EXPLORE") else "the same each time")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("slow_with")
        parameters = getattr(item, "callspec", None)
        if marker and parameters and marker.args[0] in parameters.params.values():
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _forget_modules_of_a_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one test's configuration imported must not stand in for another's module."""
    before = sys.modules.copy()
    yield
    ours = str(tmp_path_factory.getbasetemp())
    for name, module in sys.modules.copy().items():
        is_new = before.get(name) is not module
        if is_new and str(getattr(module, "__file__", None) or "").startswith(ours):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _levels_of_logs() -> Iterator[None]:
    """What one test made of the log's level must not change what another's log shows."""
    loggers = (logging.root, logging.getLogger("chargehand"), logging.getLogger("aiohttp.server"))
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


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


@pytest.fixture
def new_postgresql(postgresql_socket: Path) -> Callable[[], str]:
    """Return a function that makes a database, and returns its URL."""

    def make() -> str:
        name = f"test{next(_numbers)}"
        server = create_engine(
            f"postgresql+psycopg://postgres@/postgres?host={postgresql_socket}",
            isolation_level="AUTOCOMMIT",
        )
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        server.dispose()
        return f"postgresql://postgres@/{name}?host={postgresql_socket}"

    return make
