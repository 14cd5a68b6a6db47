"""Writes the stub-only package ``buildbot-stubs`` (PEP 561).

The extension API lives in a private directory of the installed package, where neither editors nor
type checkers look. ``python scripts/stubs/package.py DIRECTORY`` writes its stubs; a wheel is built
with them (`hook.py`).
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
sys.path.insert(0, str(_HERE))

from classes import Sources  # noqa: E402
from modules import HEAD, stub  # noqa: E402

_TYPING = '''\
from typing import Any, Protocol

class Renderable(Protocol):
    """What is rendered when a step or a service begins: util.Interpolate, util.Property …"""

    def getRenderingFor(self, props: Any, /) -> Any: ...
'''
_NAMESPACES = {
    "changes": "CHANGES",
    "reporters": "REPORTERS",
    "schedulers": "SCHEDULERS",
    "secrets": "SECRETS",
    "steps": "STEPS",
    "util": "UTIL",
    "webhooks": "WEBHOOKS",
    "worker": "WORKER",
}
_BASES = {
    "step": "buildbot.process.buildstep:BuildStep",
    "shell": "buildbot.steps.shell:ShellCommand",
    "source": "buildbot.steps.source.base:Source",
    "changes": "buildbot.changes.base:ChangeSource",
    "latent": "buildbot.worker.latent:AbstractLatentWorker",
    "reporter": "buildbot.reporters.base:ReporterBase",
}
_BASES_OF_MODULES = {
    "buildbot.www.auth": ("buildbot.www.auth", "AuthBase"),
    "buildbot.www.avatar": ("buildbot.www.avatar", "AvatarBase"),
    "buildbot.www.oauth2": ("buildbot.www.auth", "AuthBase"),
}
"""Whatever is accepted of these modules is a subclass of one of theirs."""


def write(directory: Path, source: Path = _ROOT / "src") -> None:
    """Write the package into *directory* (``…/buildbot-stubs``)."""
    for path, text in contents(source).items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def contents(source: Path) -> dict[str, str]:
    """Return all files of the package, by path."""
    sources = Sources(source)
    tables = _Tables(source)
    stubs = {
        name: stub(module, sources)
        for name, module in sources.modules.items()
        if not name.startswith("buildbot.plugins.") and name != "buildbot.plugins"
    }
    stubs["buildbot._typing"] = _TYPING
    for module, text in tables.modules(sources.modules).items():
        stubs[module] = stubs.get(module, HEAD) + text
    stubs.update(tables.namespaces())
    _add_packages(stubs)
    return {_path(name, stubs): text for name, text in stubs.items()}


def _add_packages(stubs: dict[str, str]) -> None:
    for name in [*stubs]:
        while "." in name:
            name = name.rpartition(".")[0]
            stubs.setdefault(name, HEAD)


def _path(name: str, stubs: dict[str, str]) -> str:
    below = name.split(".")[1:]
    is_package = any(other.startswith(f"{name}.") for other in stubs)
    return "/".join([*below, "__init__.pyi"] if is_package else below) + (
        "" if is_package else ".pyi"
    )


@contextmanager
def _bare_packages(source: Path) -> Iterator[None]:
    """Let the tables be imported without their packages, which need what is not installed yet."""
    if "buildbot.plugins" in sys.modules:
        yield
        return
    for name in ("buildbot", "buildbot.plugins"):
        package = ModuleType(name)
        package.__path__ = [str(source.joinpath(*name.split(".")))]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in [one for one in sys.modules if one.partition(".")[0] == "buildbot"]:
            del sys.modules[name]


class _Tables:
    """The tables of names that have no file: accepted and old ones, and the namespaces."""

    def __init__(self, source: Path) -> None:
        with _bare_packages(source):
            self._accepted: Any = importlib.import_module("buildbot.plugins.accepted")
            self._catalogue: Any = importlib.import_module("buildbot.plugins.catalogue")
            self._inner: Any = importlib.import_module("buildbot.plugins.inner_names")
            self._old: Any = importlib.import_module("buildbot.plugins.old_names")

    def modules(self, sources: Container[str]) -> dict[str, str]:
        """Return what modules have in addition to their sources, by name."""
        found: dict[str, list[str]] = {}
        for module, names in self._accepted.MODULES.items():
            for name, accepted in names.items():
                found.setdefault(module, []).append(_accepted(module, name, accepted.kind))
        for module, names in self._old.OLD_NAMES.items():
            for name, old in names.items():
                line = f"{name}: Any"
                if old.new:
                    target, _, attribute = old.new.partition(":")
                    line = (
                        f"from {target} import {attribute} as _{attribute}\n{name} = _{attribute}"
                    )
                    if target == module:
                        line = f"{name} = {attribute}"
                if not (old.new and target == module and attribute == name):
                    found.setdefault(module, []).append(line)
        for module, names in self._inner.INNER_NAMES.items():
            # Where the module has sources, they may define the name as well.
            if module in found and module not in sources:
                known = "\n".join(found[module])
                found[module] += [
                    _accepted(module, name, "") if name[0].isupper() else f"{name}: Any"
                    for name in sorted(names - {"*"})
                    if not re.search(rf"\b{name}\b", known)
                ]
        return {module: "\n".join(lines) + "\n" for module, lines in found.items()}

    def namespaces(self) -> dict[str, str]:
        """Return the modules of ``buildbot.plugins``."""
        found = {"buildbot.plugins": ""}
        for namespace, table in _NAMESPACES.items():
            name = f"buildbot.plugins.{namespace}"
            found["buildbot.plugins"] += (
                f"from buildbot.plugins import {namespace} as {namespace}\n"
            )
            found[name] = ""
            for public, target in getattr(self._catalogue, table).items():
                outer, _, inner = public.rpartition(".")
                module, _, attribute = target.partition(":")
                where = f"{name}.{outer}" if outer else name
                if outer and where not in found:
                    found[name] += f"from {name} import {outer} as {outer}\n"
                line = f"from {module} import {attribute} as {inner}\n"
                found[where] = found.get(where, "") + line
            for public, old in self._old.OLD_PLUGINS.get(name, {}).items():
                attribute = old.new.partition(":")[2] if old.new else ""
                found[name] += f"{public} = {attribute}\n" if attribute else f"{public}: Any\n"
        return found


def _accepted(module: str, name: str, kind: str) -> str:
    if kind == "function":
        return f"def {name}(*args: Any, **kwargs: Any) -> Any: ..."
    base, _, attribute = _BASES.get(kind, "").partition(":")
    if module in _BASES_OF_MODULES and name != _BASES_OF_MODULES[module][1]:
        base, attribute = _BASES_OF_MODULES[module]
        if base == module:
            return f"class {name}({attribute}): ..."
    if not attribute or base == module:
        return (
            f"class {name}:\n"
            "    def __init__(self, *args: Any, **kwargs: Any) -> None: ...\n"
            "    def __getattr__(self, name: str) -> Any: ..."
        )
    return (
        f"from {base} import {attribute} as _{attribute}\n"
        f"class {name}(_{attribute}):\n"
        "    def __init__(self, *args: Any, **kwargs: Any) -> None: ..."
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
