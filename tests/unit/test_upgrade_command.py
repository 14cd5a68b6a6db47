"""``chargehand upgrade-config``: what it shows, when it writes, and what it leaves alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chargehand.cli.upgrade_config import upgrade_config

OLD = "c = BuildmasterConfig = {}\nc['slaves'] = []\n"
NEW = "c = BuildmasterConfig = {}\nc['workers'] = []\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        upgrade_config, [str(one) for one in arguments], standalone_mode=False
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "master.cfg"
    path.write_text(OLD)
    return path


def test_the_difference_is_shown_and_nothing_is_written(config: Path) -> None:
    result = run(config)

    assert result.return_value == 3
    assert "-c['slaves'] = []\n+c['workers'] = []\n" in result.stdout
    assert result.stdout.endswith(
        f"Nothing is written. To write: chargehand upgrade-config --write {config}\n"
    )
    assert config.read_text() == OLD


def test_what_is_written_keeps_the_old_file_its_mode_and_its_links(config: Path) -> None:
    config.chmod(0o640)
    link = config.with_name("linked.cfg")
    link.symlink_to(config)

    result = run("--write", link)

    assert result.return_value == 0
    assert link.is_symlink()
    assert config.read_text() == NEW
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert (config.parent / "master.cfg.bak").read_text() == OLD
    assert sorted(path.name for path in config.parent.iterdir()) == [
        "linked.cfg",
        "master.cfg",
        "master.cfg.bak",
    ]


def test_a_backup_is_never_overwritten(config: Path) -> None:
    backup = config.with_name("master.cfg.bak")
    backup.write_text("mine")

    run("--write", config)

    assert backup.read_text() == "mine"
    assert config.with_name("master.cfg.bak2").read_text() == OLD


def test_a_file_of_today_has_nothing_to_change(config: Path) -> None:
    config.write_text(NEW)

    result = run(config)

    assert result.return_value == 0
    assert result.stdout == f"{config}: nothing to change\n"


def test_a_directory_is_searched_but_not_its_environments(tmp_path: Path, config: Path) -> None:
    for name in ("parts/steps.py", "env/lib/x.py", ".git/y.py", "site-packages/z.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("print 'x'\n")
    (tmp_path / "env/pyvenv.cfg").write_text("home = /usr\n")
    (tmp_path / "env/lib").joinpath("master.cfg").write_text(OLD)
    (tmp_path / "other.cfg").write_text("[section]\nkey = value\n")

    result = run("--write", tmp_path)

    assert result.return_value == 0
    assert (tmp_path / "parts/steps.py").read_text() == "print('x')\n"
    written = [line for line in result.stdout.splitlines() if ": written; " in line]
    assert len(written) == 2
    assert (tmp_path / "env/lib/x.py").read_text() == "print 'x'\n"


def test_a_file_that_cannot_be_upgraded_does_not_stop_the_others(
    tmp_path: Path, config: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\nthis is no Python\n")

    result = run("--write", broken, config)

    assert result.return_value == 1
    assert f"{broken}:2: syntax error: this is neither Python 2 nor Python 3" in result.output
    assert config.read_text() == NEW
    assert broken.read_text() == "x = 1\nthis is no Python\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"c['slaves'] = 'a'\r\nx = 1\r\n", b"c['workers'] = 'a'\r\nx = 1\r\n"),
        (b"\xef\xbb\xbfc['slaves'] = '\xc3\xbc'\n", b"\xef\xbb\xbfc['workers'] = '\xc3\xbc'\n"),
        (
            b"# -*- coding: latin-1 -*-\nc['slaves'] = '\xfc'\n",
            b"# -*- coding: latin-1 -*-\nc['workers'] = '\xfc'\n",
        ),
        (b"c['slaves'] = '\xfc'\nprint 'x'\n", b"c['workers'] = '\xc3\xbc'\nprint('x')\n"),
        (b"c['slaves'] = []", b"c['workers'] = []"),
    ],
)
def test_encodings_and_line_ends_stay(config: Path, old: bytes, new: bytes) -> None:
    config.write_bytes(old)

    run("--write", config)

    assert config.read_bytes() == new


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    result = run(tmp_path / "none.cfg")

    assert str(result.exception) == f'"{tmp_path}/none.cfg" does not exist'
