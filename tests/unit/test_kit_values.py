"""What `kit.values` says of structs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chargehand.kit.values import compared_names, compared_without, replace, shown_without


@compared_without("hook")
@shown_without("password")
class _Worker(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    password: str = ""
    hook: object = None


@compared_without("hook")
class _Hosted(msgspec.Struct, frozen=True):
    hook: object


def test_fields_that_are_not_compared_do_not_count() -> None:
    one = _Worker(name="w", hook=print)

    assert one == _Worker(name="w", hook=len)
    assert hash(one) == hash(_Worker(name="w", hook=len))
    assert one != _Worker(name="v", hook=print)
    assert one != _Worker(name="w", password="another")
    assert compared_names(_Worker) == ("name", "password")


def test_values_without_any_compared_field_are_equal_to_their_kind_only() -> None:
    assert _Hosted(print) == _Hosted(len)
    assert hash(_Hosted(print)) == hash(_Hosted(len))
    assert _Hosted(print) != _Worker(name="w")
    assert _Hosted(print) != ()


def test_a_replaced_value_is_compared_and_shown_as_its_kind_is() -> None:
    one = replace(_Worker(name="w", password="secret"), name="v")

    assert one == _Worker(name="v", password="secret", hook=len)
    assert repr(one) == "_Worker(name='v', hook=None)"


def test_what_is_not_shown_is_in_no_text_of_the_value() -> None:
    rich = pytest.importorskip("rich.pretty")

    assert "secret" not in f"{_Worker(name='w', password='secret')}"
    assert "secret" not in rich.pretty_repr(_Worker(name="w", password="secret"))


def test_the_names_and_types_of_what_is_replaced_are_checked(tmp_path: Path) -> None:
    source = (
        "import msgspec\n"
        "from chargehand.kit.values import replace\n"
        "class V(msgspec.Struct, frozen=True):\n"
        "    number: int\n"
        "replace(V(1), number=2)\n"
        "replace(V(1), number='two')\n"
        "replace(V(1), numbers=2)\n"
    )

    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-c", source],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(Path(__file__).parents[2] / "src")},
        capture_output=True,
        text=True,
        check=False,
    )

    found = [line.partition(": ")[0] for line in ran.stdout.splitlines() if "error:" in line]
    assert found == ["<string>:6", "<string>:7"], ran.stdout
