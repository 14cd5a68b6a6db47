"""What third-party plug-ins do to our classes, each habit on its own."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from buildbot.www.plugin import Application
from step_workshop import StepWorkshop
from twisted.internet import defer
from twisted.web.resource import Resource

import buildbot.plugins
from buildbot._border.errors import ConfigErrors, collecting
from buildbot.changes.base import ReconfigurablePollingChangeSource
from buildbot.config import RESERVED_UNDERSCORE_NAMES
from buildbot.interfaces import IPlugin
from buildbot.plugins import steps, util
from buildbot.process import logobserver
from buildbot.reporters.http import HttpStatusPushBase
from buildbot.steps.source.base import Source
from chargehand.domain.result import Result
from chargehand.testing.scripted_session import Script, ScriptedSession


class Waits(steps.ShellCommand):
    """Waits for the inherited method as Twisted's code does."""

    @defer.inlineCallbacks
    def run(self) -> Any:
        result = yield super().run()
        self.setProperty("waited", True)
        return result


class Chains(steps.ShellCommand):
    """Adds callbacks to what the inherited method returns."""

    def run(self) -> Any:
        return super().run().addCallback(self._then)

    def _then(self, result: Any) -> Any:
        self.setProperty("waited", True)
        return result


@pytest.mark.parametrize("kind", [Waits, Chains])
async def test_a_subclass_waits_for_an_inherited_run(kind: Any) -> None:
    workshop = StepWorkshop(kind(command=["make"]))

    build = await workshop.run()

    assert build.result is Result.SUCCESS
    assert workshop.builds.properties[build.id]["waited"][0] is True


def test_every_step_of_ours_can_be_waited_for_as_a_deferred() -> None:
    names = buildbot.plugins.steps.offered
    kinds = [found for name in names if isinstance(found := getattr(steps, name), type)]
    runs = [run for kind in kinds if (run := getattr(kind, "run", None))]

    coroutines = {run.__qualname__ for run in runs if inspect.iscoroutinefunction(run)}

    assert len(runs) > 40
    assert coroutines == set()


class Looks(steps.BuildStep):
    def run(self) -> int:
        found = [(one.name, one.results) for one in self.build.executedSteps]
        self.setProperty(self.name, found)
        return util.SUCCESS


async def test_the_step_that_runs_is_the_last_of_the_executed_ones() -> None:
    workshop = StepWorkshop(Looks(name="a"), Looks(name="b", doStepIf=False), Looks(name="c"))

    build = await workshop.run()

    properties = workshop.builds.properties[build.id]
    assert properties["a"][0] == [("a", None)]
    assert properties["c"][0] == [("a", util.SUCCESS), ("b", util.SKIPPED), ("c", None)]


class OwnSource(Source):
    name = "own"

    @defer.inlineCallbacks
    def run_vc(self, branch: Any, revision: Any, patch: Any) -> Any:
        log = yield self.addLogForRemoteCommands("stdio")
        yield log.addStdout("cloning\n")
        self.setProperty("failed", (yield self.runRmdir("old", abandonOnFailure=False)))
        return util.SUCCESS


async def test_a_source_step_of_users_has_the_file_commands_of_composite_steps() -> None:
    workshop = StepWorkshop(OwnSource())

    build = await workshop.run()

    assert build.result is Result.SUCCESS
    assert "cloning" in workshop.logs.text("stdio")
    assert workshop.builds.properties[build.id]["failed"][0] is False


class Copies(logobserver.LogLineObserver):
    """Writes what it hears to a log that it makes when it first hears something."""

    copy: Any = None

    @defer.inlineCallbacks
    def outLineReceived(self, line: str) -> Any:
        if self.copy is None:
            self.copy = yield self.step.addLog("copy")
        yield self.copy.addStdout(f"{line}\n")


class CopiesToday(Copies):
    async def outLineReceived(self, line: str) -> None:
        await super().outLineReceived(line)


class Observed(steps.ShellCommand):
    def __init__(self, observer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.addLogObserver("stdio", observer)


@pytest.mark.parametrize("kind", [Copies, CopiesToday])
async def test_a_log_ends_when_the_observers_that_write_it_have_ended(kind: Any) -> None:
    session = ScriptedSession(lambda _: Script(stdout="first\n"))
    workshop = StepWorkshop(Observed(kind(), command=["make"]), session=session)

    await workshop.run()

    assert workshop.logs.text("copy") == "ofirst\n"


class NamedFirst(ReconfigurablePollingChangeSource):
    """Hands its first argument on as the name."""

    def __init__(self, url: str, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(url, name=name or url, **kwargs)

    def checkConfig(self, url: str, **kwargs: Any) -> Any:
        super().checkConfig(url, **kwargs)


def test_a_poller_checks_its_times_whatever_stands_before_them() -> None:
    assert NamedFirst("http://x", pollInterval=5).name == "http://x"
    with pytest.raises(ConfigErrors, match="pollInterval"):
        NamedFirst("http://x", pollInterval="often")


class OnlyReconfigures(HttpStatusPushBase):
    """A reporter of the time when ``checkConfig`` took anything."""

    name = "OnlyReconfigures"

    def reconfigService(self, url: str, room: str, token: str = "", **kwargs: Any) -> Any:
        return super().reconfigService(**kwargs)

    def send(self, build: Any) -> Any:
        return None


def test_arguments_of_reconfigservice_need_no_checkconfig() -> None:
    reporter = OnlyReconfigures("http://x", "room", token="t", debug=True)

    assert reporter._config_args == ("http://x", "room")


@pytest.mark.parametrize(
    ("args", "keywords", "said"),
    [
        (("http://x",), {}, "missing a required argument: 'room'"),
        (("http://x", "room"), {"colour": 1}, 'OnlyReconfigures has no argument "colour"'),
    ],
)
def test_and_are_checked_against_it(args: Any, keywords: Any, said: str) -> None:
    with pytest.raises(ConfigErrors) as caught, collecting() as collector:
        OnlyReconfigures(*args, **keywords)
        collector.raise_if_any()

    assert said in str(caught.value)


def test_a_plug_in_may_reserve_names_that_begin_with_an_underscore() -> None:
    factory = util.BuildFactory()
    with pytest.raises(ConfigErrors, match="underscore"):
        util.BuilderConfig(name="__spawner", workernames=["w"], factory=factory)

    RESERVED_UNDERSCORE_NAMES.append("__spawner")
    try:
        made = util.BuilderConfig(name="__spawner", workernames=["w"], factory=factory)
    finally:
        RESERVED_UNDERSCORE_NAMES.remove("__spawner")

    assert made.name == "__spawner"


def test_a_web_plug_in_may_hang_pages_below_its_application() -> None:
    application = Application("some_package", "Some pages")

    application.resource.putChild(b"api", Resource())

    assert application.resource.listStaticNames() == [b"api"]
    assert IPlugin is not None
