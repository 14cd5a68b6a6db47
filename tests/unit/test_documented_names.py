"""The page of names says what the code does."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_SCRIPT = Path(__file__).parents[2] / "docs" / "reference" / "names.py"


def test_the_page_of_names_is_current():
    specification = importlib.util.spec_from_file_location("documented_names", _SCRIPT)
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)

    assert script.PAGE.read_text(encoding="utf-8") == script.page(), (
        "run: PYTHONPATH=src python docs/reference/names.py"
    )
