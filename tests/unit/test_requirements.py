"""Packages that are older than Chargehand needs are named, with who brought them."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path

import pytest

from chargehand.app.requirements import are_met_at_a_glance, check_requirements, unmet


class Installed(Distribution):
    """A package that is installed, as its metadata says."""

    def __init__(self, name: str, version: str, *requires: str) -> None:
        self._metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
            f"Requires-Dist: {one}\n" for one in requires
        )

    def read_text(self, filename: str) -> str | None:
        return self._metadata if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


NEEDED = [
    "SQLAlchemy>=2.0.40",
    "twisted (>=24.11)",
    'backports.tarfile>=1.2; python_full_version < "3.11.4"',
    'ruff>=0.9; extra == "test"',
]


def told(*installed: Installed) -> list[str]:
    versions = {one.name.lower(): one.version for one in installed}
    return list(unmet(NEEDED, lambda name: versions.get(name.lower()), lambda: installed))


def test_enough_is_enough() -> None:
    assert told(Installed("sqlalchemy", "2.0.40"), Installed("Twisted", "25.5.0rc1")) == []


def test_who_keeps_a_package_old_is_named_with_who_brought_it() -> None:
    [sentence] = told(
        Installed("SQLAlchemy", "1.4.54"),
        Installed("Twisted", "24.11.0"),
        Installed("buildbot", "3.11.9", "sqlalchemy (<2,>=1.4)", "Twisted>=22"),
        Installed("buildbot-slack", "1.0", "buildbot<4"),
        Installed("chargehand", "0.1.0", *NEEDED),
    )

    assert sentence.startswith(
        "SQLAlchemy 1.4.54 is installed, and Chargehand needs SQLAlchemy>=2.0.40. "
        "buildbot 3.11.9 requires sqlalchemy (<2,>=1.4) (required by buildbot-slack). "
        "Install Chargehand into an environment without it, or remove it and run: "
    )
    assert sentence.endswith("-m pip install 'SQLAlchemy>=2.0.40'")


def test_what_is_missing_is_named() -> None:
    [sentence] = told(Installed("SQLAlchemy", "2.1.0"))

    assert sentence.startswith("twisted is not installed, and Chargehand needs twisted>=24.11. Run")


@pytest.mark.parametrize("version", ["24.7.0", "22.10.0.post1", "9.0"])
def test_versions_are_compared_as_numbers(version: str) -> None:
    assert len(told(Installed("SQLAlchemy", "2.0.40"), Installed("Twisted", version))) == 1


def test_this_environment_has_what_is_needed() -> None:
    check_requirements()


@pytest.mark.parametrize(
    ("directories", "are_met"),
    [
        (["SQLAlchemy-2.0.40.dist-info", "twisted-25.5.0rc1.dist-info"], True),
        (["sqlalchemy-2.0.40.dist-info", "twisted-22.1.dist-info"], False),
        (["sqlalchemy-2.0.40.dist-info"], False),
        (["sqlalchemy-2.0.40.dist-info", "twisted.egg-info"], False),
    ],
)
def test_names_of_directories_show_that_all_is_there(
    tmp_path: Path, directories: list[str], are_met: bool
) -> None:
    for name in [*directories, "chargehand-0.1.0.dist-info"]:
        (tmp_path / name).mkdir()
    assert not are_met_at_a_glance([str(tmp_path)])  # Nothing says what is needed.
    needed = "".join(f"Requires-Dist: {one}\n" for one in NEEDED)
    metadata = f"Metadata-Version: 2.1\nName: chargehand\n{needed}\nRequires-Dist: more\n"
    (tmp_path / "chargehand-0.1.0.dist-info/METADATA").write_text(metadata)

    assert are_met_at_a_glance(["/nowhere", str(tmp_path)]) is are_met


def test_the_first_directory_of_the_search_path_counts(tmp_path: Path) -> None:
    for number, version in enumerate(["1.0", "2.0.40"]):
        (tmp_path / f"{number}/sqlalchemy-{version}.dist-info").mkdir(parents=True)
        (tmp_path / f"{number}/twisted-24.11.0.dist-info").mkdir()
    ours = tmp_path / "1/chargehand-0.1.0.dist-info"
    ours.mkdir()
    (ours / "METADATA").write_text("Name: chargehand\nRequires-Dist: SQLAlchemy>=2.0.40\n\n")

    assert not are_met_at_a_glance([f"{tmp_path}/0", f"{tmp_path}/1"])
    assert are_met_at_a_glance([f"{tmp_path}/1", f"{tmp_path}/0"])
