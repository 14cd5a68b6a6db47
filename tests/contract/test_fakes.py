"""Every fake in ``chargehand.testing`` is held to a contract that the real thing keeps, too."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import chargehand
from chargehand import testing

_PORTS = re.compile(r"chargehand\.(\w+\.ports|kit\.clock|domain\.(session|assignment))$")
_HERE = Path(__file__).parent
_NO_FAKES = {"Client", "Notes", "SchedulingInMemory", "World"}
"""They have methods of a port's names by chance, and stand for nothing real."""


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def _classes(module: ModuleType) -> Iterator[type[Any]]:
    for _, found in inspect.getmembers(module, inspect.isclass):
        if found.__module__ == module.__name__:
            yield found


def _ports() -> dict[str, frozenset[str]]:
    """Return the methods of every Protocol that a stage needs of others."""
    found = {}
    for module in _port_modules():
        for one in _classes(importlib.import_module(module)):
            if getattr(one, "_is_protocol", False):
                found[f"{module}.{one.__name__}"] = frozenset(
                    name
                    for name, value in vars(one).items()
                    if inspect.isfunction(value) and not name.startswith("_")
                )
    return found


def _port_modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(chargehand.__path__, "chargehand."):
        if _PORTS.match(found.name):
            yield found.name


def _fakes() -> dict[str, list[str]]:
    """Return the classes that can stand for something real, with the ports they have."""
    ports = {port: methods for port, methods in _ports().items() if methods}
    found: dict[str, list[str]] = {}
    for module in _modules(testing):
        for one in _classes(module):
            has = [port for port, methods in ports.items() if methods <= set(dir(one))]
            is_private = one.__name__.startswith("_") or one.__name__ in _NO_FAKES
            if has and not is_private and not getattr(one, "_is_protocol", False):
                found[one.__name__] = has
    return found


def test_every_fake_has_a_contract_test() -> None:
    contracts = "\n".join(path.read_text() for path in _HERE.glob("test_*.py"))

    missing = {
        fake: ports for fake, ports in _fakes().items() if not re.search(rf"\b{fake}\b", contracts)
    }

    assert missing == {}


def test_the_fakes_are_found_by_their_ports() -> None:
    fakes = _fakes()

    assert "chargehand.dispatch.ports.RequestStore" in fakes["MemoryRequestStore"]
    assert "chargehand.scheduling.ports.SchedulerStore" in fakes["MemorySchedulers"]
    assert "chargehand.web.ports.Controls" in fakes["MemoryControls"]
    assert "chargehand.kit.clock.Clock" in fakes["VirtualClock"]
    assert "chargehand.domain.session.Session" in fakes["ScriptedSession"]
