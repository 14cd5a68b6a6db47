"""What scripts written for Buildbot read over REST: the same words, names, sources and slugs."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from installed_master import (
    EXCEPTION,
    FAILURE,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    InstalledMaster,
    Refused,
)


def _stories(master: InstalledMaster, build: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(s["name"], s["results"], s["state_string"]) for s in master.steps(build)]


def test_steps_and_builds_are_worded_as_in_buildbot(master: InstalledMaster) -> None:
    master.write("""
        from buildbot.process.results import EXCEPTION, SKIPPED, SUCCESS, WARNINGS
        add('commands',
            steps.ShellCommand(command=['echo', 'b', 'c', 'd']),
            steps.ShellCommand(command='a=1 true and more'),
            sh('true', description='doing'),
            sh('true', description='doing', descriptionDone='done'),
            sh('true', descriptionSuffix='to it'),
            sh('false', descriptionDone=['did', 'it'], descriptionSuffix=['to', 'x']))
        add('codes',
            sh('exit 5', decodeRC={0: SUCCESS, 5: WARNINGS}),
            sh('exit 7', decodeRC={7: SKIPPED}),
            sh('exit 7', decodeRC={7: EXCEPTION}),
            sh('true', name='never'),
            sh('true', name='always', alwaysRun=True))
        add('limits', sh('echo x; sleep 30', timeout=1))
        add('quiet', sh('false', flunkOnFailure=False), sh('true'))
        add('skipping', sh('true', doStepIf=False), sh('true', hideStepIf=True))
    """)
    master.start()

    build = master.build("commands")
    assert build["state_string"] == "failed: shell_5 (exit 1)"
    assert _stories(master, build) == [
        ("shell", SUCCESS, "'echo b ...'"),
        ("shell_1", SUCCESS, "'a=1 true ...'"),
        ("shell_2", SUCCESS, "'sh -c ...'"),
        ("shell_3", SUCCESS, "done"),
        ("shell_4", SUCCESS, "'sh -c ...'"),
        ("shell_5", FAILURE, "did it to x (failure)"),
    ]

    build = master.build("codes")
    assert build["state_string"] == "exception: shell_2 (exit 7)"
    assert _stories(master, build) == [
        ("shell", WARNINGS, "'sh -c ...' (warnings)"),
        ("shell_1", SKIPPED, "'sh -c ...' (skipped)"),
        ("shell_2", EXCEPTION, "'sh -c ...' (exception)"),
        ("always", SUCCESS, "'sh -c ...'"),
    ]

    build = master.build("limits")
    assert build["state_string"] == "failed: shell (timed out after 1 s)"
    assert " in dir" in master.lines(build, "shell")[1]
    assert master.lines(build, "shell")[1].endswith("(timeout 1 sec)")

    build = master.build("quiet")
    assert (build["results"], build["state_string"]) == (SUCCESS, "build successful")

    skipped, hidden = master.steps(master.build("skipping"))
    assert (skipped["results"], skipped["state_string"]) == (SKIPPED, "'sh -c ...' (skipped)")
    assert skipped["started_at"] is not None
    assert skipped["locks_acquired_at"] is None
    assert (hidden["hidden"], hidden["locks_acquired_at"] is not None) == (True, True)


def test_a_log_reads_as_in_buildbot(master: InstalledMaster) -> None:
    master.write("""
        add('b', steps.ShellCommand(
            command=['sh', '-c', 'echo out; echo "it is $V" >&2; exit 3'],
            env={'V': '${HOME}/v'}, logEnviron=False, name='it'))
    """)
    master.start()

    build = master.build("b")

    directory = f"{master.path}/workers/local/b/build"
    lines = master.lines(build, "it")
    assert lines[:5] == [
        "hsh -c 'echo out; echo \"it is $V\" >&2; exit 3'",
        f"h in dir {directory} (timeout 1200 secs)",
        "h watching logfiles {}",
        "h argv: [b'sh', b'-c', b'echo out; echo \"it is $V\" >&2; exit 3']",
        "h using PTY: False",
    ]
    assert sorted(line for line in lines if line[0] != "h") == [
        f"eit is {os.environ['HOME']}/v",
        "oout",
    ]
    assert lines[-2] == "hprogram finished with exit code 3"
    assert re.fullmatch(r"helapsedTime=\d+\.\d{6}", lines[-1])
    raw = master.raw(build, "it").decode().split("\n")
    assert raw[:4] == ["Builder: b", "Build number: 1", "Worker name: local", lines[0][1:]]


def test_properties_have_the_sources_that_buildbot_names(master: InstalledMaster) -> None:
    master.write("""
        from buildbot.process.buildstep import BuildStep
        class Sets(BuildStep):
            def run(self):
                self.setProperty('a', 1)
                self.build.getProperties().setProperty('b', [2], 'by hand')
                return 0
        c['properties'] = {'g': 'x'}
        add('b', Sets(), steps.SetProperty(property='s', value=util.Interpolate('%(prop:g)s!')),
            steps.SetPropertyFromCommand(command='echo " y "', property='p'),
            steps.SetPropertyFromCommand(command='echo z', extract_fn=lambda rc, out, err: {
                'z': out, 'rc': rc}, name='several'),
            properties={'mine': 1}, defaultProperties={'g': 'default', 'd': 2})
    """)
    master.start()

    build = master.build("b", owner="me@example.org", reason="why")

    found = master.properties(build)
    assert {name: tuple(found[name]) for name in found if name not in ("builderid", "basedir")} == {
        "a": (1, "Unknown"),
        "b": ([2], "by hand"),
        "branch": ("", "Build"),
        "builddir": (f"{master.path}/workers/local/b", "Worker"),
        "buildername": ("b", "Builder"),
        "buildnumber": (1, "Build"),
        "codebase": ("", "Build"),
        "d": (2, "Builder"),
        "g": ("x", f"{master.path}/master.cfg"),
        "mine": (1, "Builder"),
        "owner": ("me@example.org", "Force Build Form"),
        "owners": (["me@example.org"], "Build"),
        "p": ("y", "SetPropertyFromCommand Step"),
        "project": ("", "Build"),
        "rc": (0, "SetPropertyFromCommand Step"),
        "reason": ("why", "Force Build Form"),
        "repository": ("", "Build"),
        "revision": ("", "Build"),
        "s": ("x!", "SetProperty"),
        "scheduler": ("force", "Scheduler"),
        "workername": ("local", "Worker"),
        "z": ("z\n", "SetPropertyFromCommand Step"),
    }
    assert master.raw(build, "several", "property_changes") == b"rc: 0\nz: 'z\\n'\n"


def test_logs_get_the_slugs_that_buildbot_gives(master: InstalledMaster) -> None:
    master.write("""
        from buildbot.process.buildstep import BuildStep
        class Writes(BuildStep):
            async def run(self):
                for name in ('a b', 'a_b', 'a-b', 'a/b', '1x', 'err.text'):
                    await self.addCompleteLog(name, 'x')
                return 0
        add('b', Writes(name='w'))
    """)
    master.start()

    logs = master.logs(master.build("b"), "w")

    assert {slug: log["name"] for slug, log in logs.items()} == {
        "a_b": "a b",
        "a_b_2": "a_b",
        "a-b": "a-b",
        "a_b_3": "a/b",
        "_x": "1x",
        "err_text": "err.text",
    }


def test_a_configuration_names_files_relative_to_its_directory(master: InstalledMaster) -> None:
    master.file("words.txt").write_text("hello\n")
    master.write("""
        words = open('words.txt').read().strip()
        add('b', sh('echo ' + words, name='say'), steps.MasterShellCommand(command='pwd'))
    """)

    checked = master.chargehand("checkconfig", str(master.path))
    master.start()
    build = master.build("b")

    assert checked.status == 0, checked.text
    assert master.output(build, "say") == ["hello"]
    assert master.output(build, "MasterShellCommand") == [str(master.path)]


def test_a_form_that_is_disabled_says_so(master: InstalledMaster) -> None:
    master.write("add('b', sh('true'))")
    master.start()
    scheduler = master.one("schedulers?name=force")
    master.order(f"schedulers/{scheduler['schedulerid']}", "enable", enabled=False)

    with pytest.raises(Refused) as refused:
        master.force("b")

    assert refused.value.status == 400
    assert refused.value.answer["error"]["message"] == {
        "schedulername": "scheduler 'force' is disabled"
    }
