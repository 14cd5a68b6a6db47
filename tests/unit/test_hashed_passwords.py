"""Passwords of workers that are stored as hashes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from chargehand.cli.main import commands
from chargehand.fleet.remote import same_as
from chargehand.kit.hashed_passwords import hashed, is_hashed, matches


def test_a_hash_matches_its_password_only() -> None:
    stored = hashed("open sesame")

    assert is_hashed(stored)
    assert "sesame" not in stored
    assert stored != hashed("open sesame")
    assert matches(stored, "open sesame")
    assert not matches(stored, "open sesam")
    assert not matches(stored, stored)


@pytest.mark.parametrize(
    "damage",
    ["ln=99,r=8,p=1$AAAA", "ln=30,r=8,p=1$AAAA", "ln=12,r=0,p=1$AAAA", "ln=12,r=8,p=1$A"],
)
def test_a_damaged_hash_matches_nothing(damage: str) -> None:
    stored = f"$scrypt${damage}$AAAAAAAA"

    assert is_hashed(stored)
    assert not matches(stored, stored)
    assert not matches(stored, "")


@pytest.mark.parametrize("stored", ["open sesame", "$scrypt$", "$2b$12$x", "ümlaut"])
def test_what_is_no_hash_is_the_password_itself(stored: str) -> None:
    assert not is_hashed(stored)
    assert matches(stored, stored)
    assert not matches(stored, "x")


async def test_a_login_compares_with_either() -> None:
    for stored in ("open sesame", hashed("open sesame")):
        for given, expected in (("open sesame", True), ("x", False)):
            found = same_as(given)(stored)
            assert (found if isinstance(found, bool) else await found) is expected


def test_the_command_prints_a_hash() -> None:
    printed = CliRunner().invoke(commands, ["hash-password"], input="open sesame\n")

    assert matches(printed.output.strip(), "open sesame")
