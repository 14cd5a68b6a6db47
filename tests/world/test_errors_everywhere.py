"""Whatever function of a user's raises: the master's log has it once, without our frames, and with
the line that made the object whose function it is."""

from __future__ import annotations

import re

import pytest
from written import started, written

from chargehand.testing.world import World

_HEAD = """
from buildbot.process.build import Build
from buildbot.process.logobserver import LineConsumerLogObserver
from buildbot.secrets.providers.base import SecretProviderBase
from buildbot.util.service import BuildbotService

def fails(name):
    def function(*_, **__):
        raise ValueError(f'{name} fails')
    return function

def build_class(name, method):
    factory = util.BuildFactory([sh('true')])
    factory.buildClass = type('B', (Build,), {method: fails(name)})
    return factory

def step(kind, method, **arguments):
    return type('S', (kind,), {method: fails(method)})

class Consuming(steps.ShellCommand):
    def __init__(self, **more):
        super().__init__(**more)
        self.addLogObserver('stdio', LineConsumerLogObserver(self.consume))
    def consume(self):
        while True:
            yield
            fails('line consumer')()
"""

_OF_BUILDERS = {
    "nextBuild": "nextBuild=fails(N)",
    "nextWorker": "nextWorker=fails(N)",
    "canStartBuild": "canStartBuild=fails(N)",
    "locks": "locks=util.renderer(fails(N))",
    "properties": "properties={'p': util.renderer(fails(N))}",
    "env": "env={'A': util.renderer(fails(N))}",
    "setupBuild": "factory=build_class(N, 'setupBuild')",
    "stepDone": "factory=build_class(N, 'stepDone')",
    "allStepsDone": "factory=build_class(N, 'allStepsDone')",
    "setStepFactories": "factory=build_class(N, 'setStepFactories')",
    "getNextStep": "factory=build_class(N, 'getNextStep')",
    "constructor": "factory=build_class(N, '__init__')",
}
"""By what fails: an argument of a builder that has it."""

_OF_STEPS = {
    "run": "step(steps.BuildStep, N)()",
    "evaluateCommand": "step(steps.ShellCommand, N)(command='true')",
    "createSummary": "step(steps.ShellCommand, N)(command='true')",
    "getCurrentSummary": "step(steps.ShellCommand, N)(command='true')",
    "getResultSummary": "step(steps.ShellCommand, N)(command='true')",
    "describe": "step(steps.ShellCommand, N)(command='true')",
    "getSchedulersAndProperties": "step(steps.Trigger, N)(schedulerNames=['t'])",
    "createTriggerProperties": "step(steps.Trigger, N)(schedulerNames=['t'])",
    "extract_fn": "steps.SetPropertyFromCommand(command='x', extract_fn=fails(N))",
    "warningExtractor": (
        "steps.Compile(command='make', warningExtractor=fails(N),"
        " suppressionList=[('q', 'q', 1, 1)])"
    ),
    "line consumer": "Consuming(command='make')",
    "doStepIf": "steps.ShellCommand(command='x', doStepIf=fails(N))",
    "hideStepIf": "steps.ShellCommand(command='x', hideStepIf=fails(N))",
    "renderer": "steps.ShellCommand(command=util.renderer(fails(N)))",
    "renderer in Interpolate": (
        "steps.ShellCommand(command=util.Interpolate('%(kw:x)s', x=util.renderer(fails(N))))"
    ),
    "Transform": "steps.ShellCommand(command=util.Transform(fails(N), 'x'))",
    "WithProperties": "steps.ShellCommand(command=util.WithProperties('%(x)s', x=fails(N)))",
    "workdir": "steps.ShellCommand(command='x', workdir=util.renderer(fails(N)))",
    "locks of step": "steps.ShellCommand(command='x', locks=util.renderer(fails(N)))",
    "secret": "steps.ShellCommand(command=util.Secret('s'))",
}
"""By what fails: a step that has it."""

_OF_SCHEDULERS = {
    "fileIsImportant": "AnyBranchScheduler(fileIsImportant=fails(N), ",
    "filter_fn": "AnyBranchScheduler(change_filter=util.ChangeFilter(filter_fn=fails(N)), ",
    "branch_fn": "AnyBranchScheduler(change_filter=util.ChangeFilter(branch_fn=fails(N)), ",
    "priority": "AnyBranchScheduler(priority=fails(N), ",
    "property": "AnyBranchScheduler(properties={'p': util.renderer(fails(N))}, ",
    "gotChange": "AnyBranchScheduler(",
    "addBuildsetForChanges": "AnyBranchScheduler(",
    "activate": "AnyBranchScheduler(",
    "getNextBuildTime": "Periodic(periodicBuildTimer=60, ",
    "startBuild": "Periodic(periodicBuildTimer=60, ",
}
"""By what fails: the beginning of a scheduler that has it; methods are given to its class."""

_OTHERS = """
class Provider(SecretProviderBase):
    name = 'p'
    get = fails('secret')
c['secretsProviders'] = [Provider()]

class Latent(worker.AbstractLatentWorker):
    start_instance = fails('start_instance')
    def stop_instance(self, fast=False): pass
c['workers'].append(Latent('latent', 'pass'))
add('start_instance', sh('true'), workernames=['latent'])

class Starting(BuildbotService):
    startService = fails('startService')
class Reconfiguring(BuildbotService):
    reconfigService = fails('reconfigService')
c['services'] = [
    Starting(name='starting'),
    Reconfiguring(name='reconfiguring'),
]
c['schedulers'].append(schedulers.Triggerable(name='t', builderNames=['run']))
"""
_PLACES_OF_OTHERS = {
    "secret": "c['secretsProviders'] = ",
    "start_instance": "c['workers'].append(Latent(",
    "startService": "    Starting(name=",
    "reconfigService": "    Reconfiguring(name=",
}
_FOR_EACH_BUILD = """
class Listening(BuildbotService):
    async def startService(self):
        await super().startService()
        key = ('builders', None, 'builds', None, 'finished')
        await self.master.mq.startConsuming(fails('event callback'), key)
class Generator(reporters.BuildStatusGenerator):
    generate = fails('generate')
c['services'] = [
    Listening(name='listening'),
    reporters.HttpStatusPush('http://127.0.0.1:1/', generators=[Generator()]),
]
c['codebaseGenerator'] = fails('codebaseGenerator')
c['revlink'] = fails('revlink')
add('b', sh('true'))
"""
_FORCED = (*_OF_BUILDERS, *_OF_STEPS, "start_instance")
_ALL = (*_OF_BUILDERS, *_OF_STEPS, *_OF_SCHEDULERS, *_PLACES_OF_OTHERS)
_BUILDER = "    c['builders'].append(util.BuilderConfig("
_OURS = ("/src/chargehand/", "/src/buildbot/", "/twisted/")


def _configuration() -> str:
    lines = [_HEAD]
    for name, argument in _OF_BUILDERS.items():
        factory = "" if "factory" in argument else ", factory=util.BuildFactory([sh('true')])"
        builder = f"util.BuilderConfig(name=N, workernames=['local'], {argument}{factory})"
        lines.append(_named(name, f"c['builders'].append({builder})"))
    for name, made in _OF_STEPS.items():
        lines.append(_named(name, f"add(N, {made})"))
    for name, beginning in _OF_SCHEDULERS.items():
        kind, _, rest = beginning.partition("(")
        kind = f"schedulers.{kind}"
        if not rest or "Periodic" in kind:  # what fails is a method of its class
            kind = f"type('S', ({kind},), {{N: fails(N)}})"
        made = f"{kind}({rest}name=N, builderNames=['run'])"
        lines.append(_named(name, f"c['schedulers'].append({made})"))
    return "\n".join(lines) + _OTHERS


def _named(name: str, text: str) -> str:
    return re.sub(r"\bN\b", repr(name), text)


def _line_of(name: str, lines: list[str]) -> int:
    """Return the number of the line that makes the object whose function it is."""
    if name in _PLACES_OF_OTHERS:
        beginning = _PLACES_OF_OTHERS[name]
    elif name in _OF_SCHEDULERS:
        beginning = "c['schedulers'].append("
    else:
        beginning = "c['builders']" if name in _OF_BUILDERS else f"add({name!r}"
    wanted = (n for n, line in enumerate(lines, 1) if line.startswith(beginning))
    return next(n for n in wanted if name in _PLACES_OF_OTHERS or f"{name!r}" in lines[n - 1])


async def test_the_masters_log_has_each_error_once_with_its_place() -> None:
    text = _configuration()
    lines = written(text).splitlines()
    async with started(text) as ci:
        ci.worker("local").on("make", output="a.c:1: warning: x\n")
        await ci.push(branch="main", revision="1", files=["a"])
        for name in _FORCED:
            await ci.force(name)
        await ci.sleep(200)

        problems = [
            f"{name}: {problem}"
            for name in _ALL
            for problem in _problems(ci, name, _line_of(name, lines))
        ]
        assert not problems, "\n".join(problems)
        ours = [line for line in ci.log.splitlines() if any(part in line for part in _OURS)]
        assert not ours


def _problems(ci: World, name: str, line: int) -> list[str]:
    pattern = rf"^ValueError: {re.escape(name)} fails$"
    found = len(re.findall(pattern, ci.log, re.MULTILINE))
    if found != 1:
        return [f"{found} times"]
    _, _, rest = re.split(f"({pattern})", ci.log, maxsplit=1, flags=re.MULTILINE)
    note = rest.lstrip("\n").partition("\n")[0]
    if line and f"was created at {ci.path / 'master.cfg'}:{line})" not in note:
        return [f"no place, line {line}, but {note!r}"]
    return []


@pytest.mark.parametrize("key", ["collapseRequests", "mergeRequests", "prioritizeBuilders"])
async def test_functions_for_all_builders(key: str) -> None:
    text = f"{_HEAD}\ndel c['collapseRequests']\nc[{key!r}] = fails({key!r})\n"
    text += "add('b', blocking('x'))\n"
    async with started(text) as ci:
        for _ in range(4):
            await ci.force("b")
        await ci.sleep(40)

        assert not _problems(ci, key, 0)
        assert not [line for line in ci.log.splitlines() if any(part in line for part in _OURS)]


async def test_functions_that_are_called_for_each_change_or_build() -> None:
    text = _HEAD + _FOR_EACH_BUILD
    async with started(text) as ci:
        await ci.push(branch="main", revision="1", repository="r")
        await ci.build("b")
        await ci.until_idle()

        for name in ("codebaseGenerator", "revlink", "event callback"):
            assert not _problems(ci, name, 0)
        lines = written(text).splitlines()
        made = next(n for n, line in enumerate(lines, 1) if "reporters.HttpStatusPush" in line)
        assert not _problems(ci, "generate", made)
