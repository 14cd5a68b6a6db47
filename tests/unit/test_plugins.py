"""Installed plug-ins: each kind is found, broken ones and clashes are told by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

import buildbot.plugins
from buildbot._host.host import Host
from buildbot.plugins.namespace import BrokenPlugin, UnknownName
from chargehand.config.errors import ConfigErrors

GROUPS = ("changes", "reporters", "schedulers", "secrets", "steps", "util", "worker", "www")
_MODULE = "class Framboozle:\n    '''A thing of this plug-in.'''\n"


def install(
    library: Path, name: str, entries: str, *, module: str = _MODULE, version: str = "1.0"
) -> None:
    """Install a distribution as pip does, with a module of its name."""
    library.mkdir(exist_ok=True)
    (library / f"{name}.py").write_text(module)
    information = library / f"{name}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    (information / "entry_points.txt").write_text(entries)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path / "library"))
    return tmp_path / "library"


@pytest.mark.parametrize("group", GROUPS)
def test_a_plugin_of_each_kind_is_found(library: Path, group: str) -> None:
    install(library, f"kind_{group}", f"[buildbot.{group}]\nFramboozle = kind_{group}:Framboozle\n")
    space = getattr(buildbot.plugins, group)

    assert space.Framboozle.__module__ == f"kind_{group}"
    assert space.get("Framboozle") is space.Framboozle
    assert "Framboozle" in dir(space)
    assert list(space.clashes()) == []


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("import xyzzy_missing\n", "ModuleNotFoundError: No module named 'xyzzy_missing'"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("class Framboozle\n", "SyntaxError: "),
        ("", "AttributeError: module '"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_with_the_cause(
    library: Path, group: str, module: str, cause: str
) -> None:
    name = f"broken_{group}"
    entries = f"[buildbot.{group}]\nBroken = {name}:Framboozle\n"
    install(library, name, entries, module=module)

    with pytest.raises(BrokenPlugin) as raised:
        _ = getattr(buildbot.plugins, group).Broken

    words = f'plug-in "{name}" 1.0 cannot be loaded: {group}.Broken stands for "{name}:Framboozle"'
    assert str(raised.value).startswith(f"{words}, which fails with {cause}")


def test_a_configuration_that_uses_a_broken_plugin_says_so_at_its_line(
    library: Path, tmp_path: Path
) -> None:
    install(library, "sad", "[buildbot.steps]\nSad = sad:Sad\n", module="import xyzzy_missing\n")
    (tmp_path / "master.cfg").write_text("from buildbot.plugins import steps\n\nsteps.Sad()\n")

    with pytest.raises(ConfigErrors) as raised:
        Host(basedir=tmp_path, config_file=Path("master.cfg")).check()

    (error,) = raised.value.errors
    assert error.line == 3
    assert error.message == (
        'plug-in "sad" 1.0 cannot be loaded: steps.Sad stands for "sad:Sad", which fails with '
        "ModuleNotFoundError: No module named 'xyzzy_missing'"
    )


def test_names_that_clash_are_told(library: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        install(
            library if name == "first" else tmp_path / "library" / "more",
            f"{name}_of_two",
            f"[buildbot.steps]\nTwice = {name}_of_two:Framboozle\n",
        )
    install(library, "hidden", "[buildbot.util]\nInterpolate = hidden:Framboozle\n")
    (tmp_path / "master.cfg").write_text(
        "import sys\n"
        f"sys.path.append({str(library / 'more')!r})\n"
        "from buildbot.plugins import *\n"
        "assert steps.Twice.__module__ == 'first_of_two'\n"
        "c = BuildmasterConfig = {'www': {}}\n"
        "c['workers'] = [worker.LocalWorker('w')]\n"
        "c['builders'] = [util.BuilderConfig(name='b', workername='w',"
        " factory=util.BuildFactory())]\n"
        "c['schedulers'] = [schedulers.ForceScheduler(name='f', builderNames=['b'])]\n"
    )

    config = Host(basedir=tmp_path, config_file=Path("master.cfg")).check()

    told = {warned.message: warned.line for warned in config.warnings}
    both = (
        'plug-ins "first_of_two" 1.0 and "second_of_two" 1.0 both provide steps.Twice; '
        'that of "first_of_two" 1.0 is used'
    )
    ours = (
        'util.Interpolate of plug-in "hidden" 1.0 is not used: Chargehand has one of that name '
        "itself; import the plug-in's from its own module"
    )
    assert told[both] == 4
    assert ours in told
    assert len([message for message in told if "Twice" in message]) == 1


def test_a_plugin_that_is_installed_meanwhile_is_found(library: Path) -> None:
    library.mkdir()
    with pytest.raises(UnknownName):
        _ = buildbot.plugins.steps.Later

    install(library, "later", "[buildbot.steps]\nLater = later:Framboozle\n")

    assert buildbot.plugins.steps.Later.__module__ == "later"
