"""Builds with the real store and a real worker: what is recorded, and what the logs say."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from buildbot._border.bridge import install
from buildbot.process.buildstep import BuildStep
from buildbot.process.factory import BuildFactory
from buildbot.process.logobserver import LogLineObserver
from buildbot.process.properties import Property
from buildbot.process.recipe import Recipe
from buildbot.process.results import SUCCESS, WARNINGS
from buildbot.steps.master import MasterShellCommand
from buildbot.steps.shell import Compile, SetPropertyFromCommand, ShellCommand
from buildbot.steps.shellsequence import ShellArg, ShellSequence
from buildbot.steps.worker import (
    CompositeStepMixin,
    CopyDirectory,
    FileExists,
    MakeDirectory,
    RemoveDirectory,
    SetPropertiesFromEnv,
)
from chargehand.config.model import BuilderConfig, LogConfig, MasterConfig, WorkerConfig
from chargehand.domain.assignment import Assignment
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.session import Session
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.bus import Bus
from chargehand.events.messages import LogAppended
from chargehand.execution.service import Builds
from chargehand.links.native.local import LocalLinks
from chargehand.links.native.local_listener import LocalListener
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store.store import Store
from chargehand.testing.execution import NotedHealth
from chargehand.testing.free_locks import FreeLocks


class Sessions:
    """A registry that hands on what is attached."""

    def __init__(self) -> None:
        self.attached: asyncio.Queue[Session] = asyncio.Queue()

    async def attach(self, session: Session) -> None:
        self.attached.put_nowait(session)

    def changed(self, session: Session) -> None:
        pass

    async def detach(self, session: Session, reason: str) -> None:
        """Builds hear of it by their commands."""


class Site:
    """A store, a worker, and builds of one builder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bus = Bus()
        self.store = Store(
            url="sqlite:///state.sqlite", basedir=directory, publish=self.bus.publish
        )
        self.sessions = Sessions()
        self.reception = LocalListener(directory / "agents")
        links = LocalLinks(reception=self.reception, directory=directory)
        settings = {"workdir": "worker"}
        self.link = links(WorkerConfig(name="w1", kind="local", settings=settings), self.sessions)
        self.session: Any = None
        self.service: Builds

    async def open(self) -> None:
        install(asyncio.get_running_loop())
        await self.store.open()
        self.master_id = await self.store.masters.start("here")
        await self.link.start()
        self.session = await self.sessions.attached.get()

    async def close(self) -> None:
        await self.link.stop()
        await self.reception.close()
        await self.store.close()

    async def begin(
        self, *steps: Any, logs: LogConfig | None = None, **builder: Any
    ) -> asyncio.Task[None]:
        plan = Recipe(BuildFactory(list(steps)), lambda: None)
        config = BuilderConfig(
            name="b1",
            worker_names=("w1",),
            plan=plan,
            builddir="b1",
            worker_builddir="b1",
            **builder,
        )
        ids = await self.store.builders.sync([config], self.master_id)
        workers = await self.store.workers.sync({"w1": list(ids.values())}, self.master_id)
        self.service = Builds(
            builds=self.store.builds,
            steps=self.store.steps,
            logs=self.store.logs,
            locks=FreeLocks(),
            health=NotedHealth(),
            master_id=self.master_id,
        )
        self.service.reconfigure(
            MasterConfig(
                builders=(config,),
                workers=(WorkerConfig(name="w1", kind="local"),),
                logs=logs or LogConfig(),
            )
        )
        submitted = await self.store.buildsets.submit(
            NewBuildset(
                builder_ids=(ids["b1"],),
                source_stamps=(SourceStamp(branch="main"),),
                reason="because",
                scheduler="hand",
            )
        )
        pending = submitted.requests[0]
        assignment = Assignment(
            builder_name="b1",
            builder_id=ids["b1"],
            worker_name="w1",
            worker_id=workers["w1"].id,
            session=self.session,
            requests=(pending,),
            grant=FreeLocks(),
        )
        return asyncio.create_task(self.service.start(assignment))

    async def run(self, *steps: Any, **options: Any) -> str:
        await (await self.begin(*steps, **options))
        return (await self.rows("builds"))[-1]["state_string"]

    async def rows(self, kind: str, **options: Any) -> list[dict[str, Any]]:
        return (await self.store.resources.fetch(Query(sees=EVERYTHING, kind=kind, **options))).rows

    async def steps(self) -> list[tuple[str, int, str]]:
        rows = await self.rows("steps")
        return [(r["name"], r["results"], r["state_string"]) for r in rows if r["number"]]

    async def text(self, name: str, position: int = -1) -> str:
        found = [row for row in await self.rows("logs") if row["name"] == name]
        data = await self.store.logs.lines(found[position]["logid"], 0, None)
        return data.decode("utf-8", "backslashreplace")

    async def properties(self) -> dict[str, Any]:
        (row,) = await self.rows("builds", properties=("*",))
        return {name: value for name, (value, _) in row["properties"].items()}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    await site.open()
    yield site
    await site.close()


async def test_a_program_runs_and_its_log_is_kept(site):
    state = await site.run(ShellCommand(command=["echo", "hi"], env={"A": "b"}))

    assert state == "build successful"
    assert await site.steps() == [("shell", 0, "'echo hi'")]
    log = await site.text("stdio")
    assert log.startswith("hecho hi\nh in dir ")
    assert "\nohi\nhprogram finished with exit code 0\nhelapsedTime=" in log
    assert "\nh  A=b\n" in log


async def test_properties_come_from_programs_and_go_into_programs(site):
    await site.run(
        SetPropertyFromCommand(command="echo ' 12 '", property="x"),
        SetPropertyFromCommand(
            command="printf 'a\\nb\\n'; echo c >&2",
            extract_fn=lambda rc, out, err: {"out": out, "err": err, "rc": rc},
        ),
        ShellCommand(command=["echo", Property("x"), Property("builddir")]),
    )

    assert await site.steps() == [
        ("setproperty", 0, "property 'x' set"),
        ("setproperty_1", 0, "3 properties set"),
        ("shell", 0, "'echo 12 ...'"),
    ]
    properties = await site.properties()
    assert (properties["x"], properties["out"], properties["err"]) == ("12", "a\nb\n", "c\n")
    assert f"\no12 {site.directory}/worker/b1\n" in await site.text("stdio")


async def test_files_and_directories(site):
    state = await site.run(
        MakeDirectory(dir="build/aa"),
        FileExists(file="build/aa", haltOnFailure=False),
        ShellCommand(command="touch f"),
        FileExists(file="build/f"),
        CopyDirectory(src="build", dest="bb"),
        RemoveDirectory(dir="bb"),
        RemoveDirectory(dir="zzz"),
        CopyDirectory(src="nonexist", dest="bb", haltOnFailure=False),
        FileExists(file="build/g"),
    )

    assert await site.steps() == [
        ("MakeDirectory", 0, "Created"),
        ("FileExists", 2, "Not a file. (failure)"),
        ("shell", 0, "'touch f'"),
        ("FileExists_1", 0, "File found."),
        ("CopyDirectory", 0, "Copied build to bb"),
        ("RemoveDirectory", 0, "Deleted"),
        ("RemoveDirectory_1", 0, "Deleted"),
        ("CopyDirectory_1", 2, "Copying nonexist to bb failed. (failure)"),
        ("FileExists_2", 2, "File not found. (failure)"),
    ]
    assert state == (
        "failed: FileExists (Not a file.), CopyDirectory_1 (Copying nonexist to bb failed.), "
        "FileExists_2 (File not found.)"
    )


async def test_a_composite_step_works_with_files(site):
    found = {}

    class Composite(CompositeStepMixin, BuildStep):
        async def run(self):
            await self.addLogForRemoteCommands("stdio")
            await self.runMkdir("build/a/b")
            found["there"] = await self.pathExists("build/a/b")
            found["not there"] = await self.pathExists("build/c")
            found["glob"] = await self.runGlob("build/a/*")
            found["content"] = await self.getFileContentFromWorker("../hello")
            found["none"] = await self.getFileContentFromWorker("nothing")
            await self.runRmdir("build/a")
            await self.runRmFile("hello")
            found["removed"] = await self.pathExists("hello")
            return SUCCESS

    await site.run(ShellCommand(command="echo hello > ../hello"), Composite(workdir="build"))

    assert found.pop("glob") in (["build/a/b"], [f"{site.directory}/worker/b1/build/a/b"])
    assert found == {
        "there": True,
        "not there": False,
        "content": "hello\n",
        "none": None,
        "removed": False,
    }


async def test_a_sequence_of_programs(site):
    state = await site.run(
        ShellSequence(
            commands=[
                ShellArg(command="echo 1", logname="one"),
                ShellArg(command="exit 1", logname="two", flunkOnFailure=False, warnOnFailure=True),
                ShellArg(command=["echo", Property("buildername")], logname="three"),
                ShellArg(command="exit 5", logname="four", haltOnFailure=True),
                ShellArg(command="echo 5", logname="five"),
            ]
        )
    )

    assert state == "failed: generic (exit 5)"
    assert "\nob1\n" in await site.text("three")
    assert [row["name"] for row in await site.rows("logs")] == ["one", "two", "three", "four"]


async def test_the_exit_code_may_be_decoded(site):
    state = await site.run(ShellCommand(command="exit 7", decodeRC={0: SUCCESS, 7: WARNINGS}))

    assert state == "build successful"
    assert await site.steps() == [("shell", 1, "'exit 7' (warnings)")]


async def test_a_program_that_is_not_there_fails(site):
    state = await site.run(ShellCommand(command=["no-such-program", "a b"]))

    assert state == "failed: shell (exit 127)"


_WARNED = (("a.c:3", "foo"), ("b.c:4", "bar"))


async def test_warnings_are_counted(site):
    # Lines of the header count, too, as Buildbot's do; here none of them has the word.
    foo, bar = (f"printf '{file}: %sing: {name}\\n' warn" for file, name in _WARNED)
    await site.run(
        Compile(command=f"{foo}; {bar} >&2; echo x"),
        Compile(
            command=f"{foo}; {bar}",
            warningPattern=r"(.*?):(\d+): warning: (.*)",
            warningExtractor=Compile.warnExtractFromRegexpGroups,
            suppressionList=[("a\\.c", None, 1, 10)],
        ),
        Compile(command="printf '%sing: x\\n' warn", maxWarnCount=0),
    )

    assert await site.steps() == [
        ("compile", 1, "compile (warnings)"),
        ("compile_1", 1, "compile (warnings)"),
        ("compile_2", 2, "compile (failure)"),
    ]
    assert sorted(row["name"] for row in await site.rows("logs") if "warn" in row["name"]) == [
        "warnings (1)",
        "warnings (1)",
        "warnings (2)",
    ]
    assert (await site.properties())["warnings-count"] == 4


async def test_a_program_may_run_on_the_master(site):
    state = await site.run(
        MasterShellCommand(command="echo $A; echo err >&2; exit 3", env={"A": ["x", "${HOME}"]}),
        SetPropertiesFromEnv(variables=["HOME", "NOTHING"], alwaysRun=True),
    )

    assert state == "failed: MasterShellCommand (failed (3))"
    log = await site.text("stdio")
    assert f"\nox:{os.environ['HOME']}\n" in log
    assert "\neerr\n" in log
    assert (await site.properties())["HOME"] == os.environ["HOME"]


async def test_observers_hear_lines_while_the_program_runs(site):
    class Counter(LogLineObserver):
        def __init__(self):
            super().__init__()
            self.lines = []

        def outLineReceived(self, line):
            self.lines.append(line)

        def errLineReceived(self, line):
            self.lines.append(f"E{line}")

        def finishReceived(self):
            self.lines.append("end")

    heard = []

    class Counted(ShellCommand):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            observer = Counter()
            heard.append(observer)
            self.addLogObserver("stdio", observer)

    await site.run(Counted(command="echo 1; echo 2 >&2; printf 3"))

    assert sorted(heard[-1].lines[:-1]) == ["1", "3", "E2"]
    assert heard[-1].lines[-1] == "end"


async def test_watched_files_have_logs_of_their_own(site):
    await site.run(
        ShellCommand(
            command="echo a > lf; sleep 0.1; echo b >> lf",
            logfiles={"lf": "lf", "no": "no"},
            lazylogfiles=True,
        ),
        ShellCommand(command="true", logfiles={"no2": "no2"}),
    )

    names = [row["name"] for row in await site.rows("logs")]
    assert sorted(names) == ["lf", "no2", "stdio", "stdio"]
    assert await site.text("lf") == "oa\nob\n"


async def test_a_time_out_is_told(site):
    state = await site.run(
        ShellCommand(command=["sleep", "60"], timeout=0.3),
        ShellCommand(command=["sleep", "60"], maxTime=0.3),
        ShellCommand(command="seq 100; sleep 60", max_lines=10),
    )

    assert [sentence for _, _, sentence in await site.steps()] == [
        "'sleep 60' (failure) (timed out)",
        "'sleep 60' (failure) (timed out)",
        "'seq 100; ...' (failure) (max lines)",
    ]
    assert state == (
        "failed: shell (timed out after 0.3 s), shell_1 (timed out after 0.3 s), "
        "shell_2 (more than 10 lines)"
    )


async def test_a_running_program_is_stopped_with_its_build(site):
    appended = asyncio.Event()
    site.bus.subscribe(lambda event: appended.set(), LogAppended)
    running = await site.begin(
        ShellCommand(command="echo begun; sleep 1000"),
        ShellCommand(command="true", name="always", alwaysRun=True),
    )
    await appended.wait()

    site.service.stop(site.service.running[0].id, "enough")
    await running

    assert [name for name, result, _ in await site.steps() if result == 6] == ["shell"]
    assert (await site.rows("builds"))[0]["state_string"] == ('cancelled during "shell": enough')
    assert "command interrupted, attempting to kill" in await site.text("stdio", 0)


async def test_a_killed_worker_means_a_retry_and_no_lost_request(site):
    appended = asyncio.Event()
    site.bus.subscribe(lambda event: appended.set(), LogAppended)
    running = await site.begin(ShellCommand(command="echo $PPID; sleep 1000"))
    await appended.wait()
    agent = int((await site.text("stdio")).split("\no")[-1].split()[0])

    os.kill(agent, signal.SIGKILL)
    await running

    (build,) = await site.rows("builds")
    assert build["results"] == 5
    assert build["state_string"].startswith('retry (worker lost: w1) during "shell"; retry 1 of 10')
    (request,) = await site.rows("buildrequests")
    assert (request["claimed"], request["complete"]) == (False, False)


async def test_a_long_log_is_cut_in_the_middle(site):
    await site.run(
        ShellCommand(command="seq 1000000 1001000", logEnviron=False),
        logs=LogConfig(max_size=2000, max_tail_size=500),
    )

    log = await site.text("stdio")
    assert "\nhOutput exceeded 2000 bytes, remaining output has been truncated\n" in log
    assert "\no1001000\nhprogram finished with exit code 0\n" in log
    assert "\no1000500\n" not in log
    assert len(log) < 2700
