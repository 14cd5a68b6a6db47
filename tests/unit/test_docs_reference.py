"""The pages of the reference are those that the code makes, and every argument has its meaning."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from chargehand.plugins.root import activate

_REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def _loaded(name: str) -> ModuleType:
    activate()
    spec = importlib.util.spec_from_file_location(name, _REFERENCE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(_REFERENCE))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(_REFERENCE))
    return module


_pages = _loaded("pages")
_arguments = _loaded("arguments")
_CLASSES = [
    (namespace, name, kind)
    for namespace in _pages.NAMESPACES
    for name, kind in _pages.public(namespace).items()
    if isinstance(kind, type)
]


def test_the_pages_are_those_that_the_code_makes():
    found = _pages.pages()

    committed = {_REFERENCE / "api.md", *(_REFERENCE / "api").rglob("*.md")}
    assert found.keys() == committed, "run: PYTHONPATH=src python docs/reference/pages.py"
    for path, text in found.items():
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} is out of date; run: PYTHONPATH=src python docs/reference/pages.py"
        )


def test_every_argument_has_its_meaning():
    missing = {
        f"{namespace}.{name}": sorted(arguments)
        for namespace, name, kind in _CLASSES
        if (arguments := _pages.accepted(kind) - _pages.described(kind).keys())
    }
    assert missing == {}, 'describe them under "Args:" in the docstring of the class'


def test_docstrings_of_steps_say_which_arguments_are_renderable():
    wrong = {}
    for namespace, name, kind in _CLASSES:
        if namespace == "steps":
            renderable = {
                attribute
                for base in kind.__mro__
                for attribute in base.__dict__.get("renderables") or ()
            }
            said = {n for n, (_, one) in _pages.described(kind).items() if one.is_renderable}
            taken = renderable & _pages.described(kind).keys()
            if said != taken:
                wrong[f"{namespace}.{name}"] = said ^ taken
    assert wrong == {}


def test_a_docstring_that_does_not_keep_the_convention_is_refused():
    docstring = """Sentence.

    Args:
        one (int, seconds, renderable): First
            and long.
        two (dict[str, int] | None, default 3, required): Second.
    """
    one, two = _arguments.arguments(docstring).values()
    assert (one.type, one.unit, one.is_renderable, one.meaning) == (
        *("int", "seconds", True),
        "First and long.",
    )
    assert (two.type, two.default, two.is_required) == ("dict[str, int] | None", "3", True)
    assert _arguments.introduction(docstring) == "Sentence."

    for line in ("one: no type", "one (int, minutes): an unknown unit", "one (int):"):
        with pytest.raises(_arguments.BadDocstring):
            _arguments.arguments(f"S.\n\nArgs:\n    {line}\n")


def test_the_glossary_has_the_old_keys_arguments_and_methods():
    glossary = _loaded("old_names")

    assert glossary.PAGE.read_text(encoding="utf-8") == glossary.page(), (
        "run: PYTHONPATH=src python docs/reference/old_names.py"
    )
