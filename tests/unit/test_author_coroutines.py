"""What users' classes inherit can be awaited, and yielded by inlineCallbacks."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from step_workshop import StepWorkshop
from twisted.internet import defer

import buildbot
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import SUCCESS
from buildbot.secrets.providers.base import SecretProviderBase
from buildbot.steps.master import SetProperty
from buildbot.steps.shell import SetPropertyFromCommand, ShellCommand
from chargehand.testing.scripted_session import Script, ScriptedSession


def _coroutine_methods(base: type) -> list[str]:
    for module in pkgutil.walk_packages(buildbot.__path__, "buildbot."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            importlib.import_module(module.name)
    found, kinds = [], [base]
    while kinds:
        kind = kinds.pop()
        kinds.extend(kind.__subclasses__())
        if kind.__module__.startswith("buildbot."):
            found += [
                f"{kind.__module__}.{kind.__name__}.{name}"
                for name, value in vars(kind).items()
                if not name.startswith("_") and inspect.iscoroutinefunction(value)
            ]
    return found


@pytest.mark.parametrize("base", [BuildStep, SecretProviderBase])
def test_no_method_that_users_override_is_a_plain_coroutine(base: type) -> None:
    # Twisted cannot run a coroutine that waits for a future of asyncio: `@outgoing` can.
    assert _coroutine_methods(base) == []


class Callbacks(ShellCommand):
    @defer.inlineCallbacks
    def run(self):
        result = yield super().run()
        self.setProperty("result", result, "test")
        return result


class Awaits(SetPropertyFromCommand):
    async def run(self):
        result = await super().run()
        self.setProperty("result", result, "test")
        return result


class Chained(SetProperty):
    def run(self):
        def keep(result):
            self.setProperty("result", result, "test")
            return result

        return super().run().addCallback(keep)


@pytest.mark.parametrize(
    "step",
    [
        Callbacks(command="make"),
        Awaits(command="make", property="output"),
        Chained(property="a", value="b"),
    ],
    ids=lambda step: type(step).__name__,
)
async def test_the_inherited_run_can_be_used_in_every_style(step: BuildStep) -> None:
    session = ScriptedSession(lambda _: Script(stdout="done\n"))
    workshop = StepWorkshop(step, session=session)

    await workshop.run()

    assert workshop.builds.properties[1]["result"] == (SUCCESS, "test")
