"""Makes ``import buildbot`` load our extension API, whatever else is installed.

The extension API has its own root directory, which goes first on ``sys.path``. The original package
of the same name, installed as a dependency of some plug-in, can stay: Python no longer finds it,
and modules already imported from it are dropped.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


class ExtensionApiMissing(Exception):
    """The extension API is missing; reinstall Chargehand."""


def extension_root() -> Path:
    """Return the directory that has our ``buildbot``: a private one when installed, or ``src``."""
    for root in (_PACKAGE / "_extension_api", _PACKAGE.parent):
        if (root / "buildbot" / "_host").is_dir():
            return root
    raise ExtensionApiMissing(f"there is no extension API beside {_PACKAGE}; reinstall chargehand")


def activate() -> Path:
    """Put our root first on ``sys.path``, drop a foreign ``buildbot``, and return the root."""
    root = extension_root()
    if not sys.path or sys.path[0] != str(root):
        sys.path[:] = [str(root), *(entry for entry in sys.path if entry != str(root))]
        importlib.invalidate_caches()
    _forget_foreign(root)
    return root


def _forget_foreign(root: Path) -> None:
    package = sys.modules.get("buildbot")
    if package is None or _is_below(root, getattr(package, "__file__", None)):
        return
    for name in [name for name in sys.modules if name.split(".", 1)[0] == "buildbot"]:
        del sys.modules[name]


def _is_below(root: Path, file: str | None) -> bool:
    return file is not None and Path(file).resolve().is_relative_to(root)
