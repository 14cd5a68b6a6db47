"""The convention of docstrings, which the reference reads as well."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_FILE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "arguments.py"
_spec = importlib.util.spec_from_file_location("_arguments_of_docstrings", _FILE)
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)

Argument = _module.Argument
arguments = _module.arguments
