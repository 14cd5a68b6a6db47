"""What holds for all tests; and PostgreSQL, which runs privately."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import late_threads
import private_postgresql
from buildbot._border.reactor import install_reactor

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


# Each of the many processes that tests start would compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Users' machines have not set this: what a program leaves in its buffer when it exits is lost.
os.environ.pop("PYTHONUNBUFFERED", None)
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("EXPLORE"):
        late_threads.install()
    if private_postgresql.announce():
        config.add_cleanup(private_postgresql.stop)
    # What a test imports may install Twisted's own: then no later test of the process gets ours.
    loop = asyncio.new_event_loop()
    install_reactor(loop)
    loop.close()  # It gets the loop of each test that needs it.


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


@pytest.fixture(scope="session")
def postgresql_socket() -> Path:
    return private_postgresql.socket()


@pytest.fixture(scope="session")
def _databases(postgresql_socket: Path) -> private_postgresql.Databases:
    return private_postgresql.Databases(postgresql_socket)


@pytest.fixture
def new_postgresql(_databases: private_postgresql.Databases) -> Iterator[Callable[[], str]]:
    """Return a function that gives a database without rows, and returns its URL."""
    taken = []

    def take() -> str:
        taken.append(_databases.take())
        return _databases.url(taken[-1])

    yield take
    for name in taken:
        _databases.give_back(name)


@pytest.fixture
def bare_postgresql(_databases: private_postgresql.Databases) -> Callable[[], str]:
    """Return a function that makes a database without tables, and returns its URL."""
    return lambda: _databases.url(_databases.new())
