"""master.cfg with mistakes in it, and configurations that change while the master runs."""

from __future__ import annotations

import signal

import pytest
from installed_master import SUCCESS, InstalledMaster
from waiting import eventually

_GOOD = "add('b', sh('echo one', name='one'))"

_FAULTS = {
    "a syntax error": (
        "from buildbot.plugins import *\nc = BuildmasterConfig = {}\nc['workers'] = [\n",
        ["master.cfg:3:", "'[' was never closed"],
    ),
    "an exception": (
        "from buildbot.plugins import *\nc = BuildmasterConfig = {}\nx = 1 / 0\n",
        ["master.cfg:3:", "ZeroDivisionError: division by zero"],
    ),
    "an exception in a function": (
        "def make():\n    return {}['missing']\n\nBuildmasterConfig = make()\n",
        ["master.cfg:2", "KeyError: 'missing'"],
    ),
    "no BuildmasterConfig": ("x = 1\n", ["master.cfg", "BuildmasterConfig"]),
    "an import that fails": (
        "import no_such_module\nBuildmasterConfig = {}\n",
        ["master.cfg:1:", "no_such_module"],
    ),
    "bytes that are no text": ("x = '\udcff'\nBuildmasterConfig = {}\n", ["master.cfg", "utf-8"]),
    "a plug-in that is not there": (
        "from buildbot.plugins import *\nBuildmasterConfig = {}\nsteps.ShelCommand(command='x')\n",
        ["master.cfg:3:", "ShelCommand", "ShellCommand"],
    ),
    "wrong arguments": (
        "from buildbot.plugins import *\nBuildmasterConfig = {}\n"
        "steps.ShellCommand(command='x', hatlOnFailure=True)\n",
        [
            "master.cfg:3:",
            'ShellCommand has no argument "hatlOnFailure"; did you mean "haltOnFailure"?',
        ],
    ),
    "sys.exit": (
        "import sys\nsys.exit(3)\n",
        ["master.cfg:2:", "the configuration calls sys.exit(3) here"],
    ),
}

_WRONG = {
    "two errors at once": (
        "c['buildres'] = []\nc['builders'].append(util.BuilderConfig(name='b', workernames=['w'],\n"
        "    factory=util.BuildFactory()))",
        ["buildres", "builders", 'unknown worker "w"'],
    ),
    "a misspelt key": ("c['schedulres'] = []", ["schedulres", "schedulers"]),
    "a builder without workers": (
        "add('b', sh('true'), workernames=[])",
        ["has no workers"],
    ),
    "duplicate builders": (
        "add('b', sh('true'))\nadd('b', sh('true'))",
        ['several builders are named "b"'],
    ),
    "duplicate workers": (
        "add('b', sh('true'))\nc['workers'].append(worker.LocalWorker('local'))",
        ['several workers are named "local"'],
    ),
    "duplicate schedulers": (
        "add('b', sh('true'))\nfor _ in range(2):\n    c['schedulers'].append(\n"
        "        schedulers.Periodic(name='p', builderNames=['b'], periodicBuildTimer=60))",
        ['several schedulers are named "p"'],
    ),
    "a scheduler of an unknown builder": (
        "add('b', sh('true'))\nc['schedulers'].append(\n"
        "    schedulers.Periodic(name='p', builderNames=['nosuch'], periodicBuildTimer=60))",
        ['unknown builder "nosuch"', 'scheduler "p"'],
    ),
    "a step that is none": (
        "c['builders'].append(util.BuilderConfig(name='b', workernames=['local'],\n"
        "    factory=util.BuildFactory(['make all'])))",
        ["make all"],
    ),
    "builders that are no list": ("c['builders'] = 7", ["builders"]),
    "workers that are none": ("add('b', sh('true'))\nc['workers'].append('w2')", ["workers"]),
    "a port that is none": (
        "add('b', sh('true'))\nc['www'] = {'port': 'frobnicate'}",
        ["c['www']['port']"],
    ),
    "an unknown key of www": (
        "add('b', sh('true'))\nc['www']['prot'] = 8010",
        ["prot", "port"],
    ),
}


def _write(master: InstalledMaster, fault: str) -> list[str]:
    if fault in _FAULTS:
        text, expected = _FAULTS[fault]
        master.file("master.cfg").write_bytes(text.encode("utf-8", "surrogateescape"))
    else:
        text, expected = _WRONG[fault]
        master.write(text, foot="")
    return expected


_WORST = ("a syntax error", "an exception", "two errors at once", "a misspelt key")


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(_WORST, id="worst"),
        pytest.param((*_FAULTS, *_WRONG), id="all", marks=pytest.mark.slow),
    ],
)
def test_faults_are_shown_by_checkconfig_and_reconfig(
    master: InstalledMaster, faults: tuple[str, ...]
):
    master.write(_GOOD)
    master.start()
    problems = []

    for fault in faults:
        expected = _write(master, fault)
        for ran in (master.chargehand("checkconfig", str(master.path)), master.reconfig()):
            missing = [text for text in expected if text.lower() not in ran.err.lower()]
            if ran.status != 1 or missing or "Traceback" in ran.text:
                problems.append(f"{fault}: {ran.status} {missing} {ran.text}")
    assert problems == [], "\n".join(problems)
    assert [one["name"] for one in master.get("builders")] == ["b"]
    assert master.build("b")["results"] == SUCCESS
    assert "aborted without making any changes" in master.log


@pytest.mark.parametrize("fault", ["a syntax error", "two errors at once"])
def test_a_faulty_configuration_does_not_start(master: InstalledMaster, fault: str):
    expected = _write(master, fault)

    ran = master.try_start()

    assert ran.status == 1
    assert [text for text in expected if text not in ran.err] == []
    assert not master.is_running
    assert not master.file("twistd.pid").exists()
    assert not master.file("state.sqlite").exists()


def test_checkconfig_of_a_good_configuration_counts(master: InstalledMaster):
    master.write(_GOOD)

    of_directory = master.chargehand("checkconfig", str(master.path))
    of_file = master.chargehand("checkconfig", str(master.file("master.cfg")))
    quiet = master.chargehand("checkconfig", "-q", str(master.path))
    nowhere = master.chargehand("checkconfig", str(master.file("no.cfg")))

    for ran in (of_directory, of_file):
        assert (ran.status, ran.out.startswith("Configuration OK: 1 builder,")) == (0, True)
    assert (quiet.status, quiet.text) == (0, "")
    assert (nowhere.status, nowhere.err) == (
        1,
        f'configuration file "{master.file("no.cfg")}" does not exist\n',
    )


def test_workers_come_and_go(master: InstalledMaster):
    one = "c['workers'] = [worker.LocalWorker('one')]\n"
    two = "c['workers'] = [worker.LocalWorker('one'), worker.LocalWorker('two')]\n"
    master.write(one + "add('b', sh('true'), workernames=['one'])")
    master.start()
    master.connected("one")
    master.write(two + "add('b', sh('true'), workernames=['one', 'two'])")
    assert master.reconfig().status == 0
    master.connected("two")
    master.write(one + "add('b', sh('true'), workernames=['one'])")
    assert master.reconfig().status == 0

    eventually("the end of worker two", lambda: not master.agents("two"))
    assert master.agents("one")
    assert master.build("b")["results"] == SUCCESS


def test_hup_reconfigures(master: InstalledMaster):
    master.write(_GOOD)
    master.start()
    master.write("add('new', sh('true'))")

    master.signal(signal.SIGHUP)

    eventually("the update", lambda: "configuration update complete" in master.log)
    assert master.build("new")["results"] == SUCCESS


def test_many_reconfigurations_at_once_do_no_harm(master: InstalledMaster):
    master.write(_GOOD)
    master.start()
    master.write("add('new', sh('true'))")

    for _ in range(20):
        master.signal(signal.SIGHUP)
    eventually("the update", lambda: "configuration update complete" in master.log)

    assert master.build("new")["results"] == SUCCESS
    assert "Traceback" not in master.log


def test_what_is_not_supported_yet_is_said(master: InstalledMaster):
    master.write(
        _GOOD + "\nc['www']['custom_templates_dir'] = 'templates'\nc['manhole'] = object()"
    )

    ran = master.chargehand("checkconfig", str(master.path))

    assert ran.status == 0, ran.text
    assert "c['www']['custom_templates_dir'] has no effect" in ran.err
    assert "manhole" in ran.err
