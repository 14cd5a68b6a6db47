"""A secret that a build uses in every possible place is in no table, file, event, log or answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from written import started

from chargehand.resources.announcements import EVENT_TYPES
from chargehand.testing.world import World
from chargehand.testing.world.client import Row

CONFIGURATION = """
    SECRET = {secret!r}
    (HERE / 'given').mkdir(mode=0o700, exist_ok=True)
    (HERE / 'given' / 'tok').write_text(SECRET)
    (HERE / 'given' / 'tok').chmod(0o600)
    c['secretsProviders'] = [secrets.SecretInAFile(dirname=str(HERE / 'given'), strip=False)]
    S, I = util.Secret('tok'), util.Interpolate
    class Talks(steps.BuildStep):
        renderables = ['x']
        description = 'talking'
        def __init__(self, x=None, fails=False, **kw):
            self.x, self.fails = x, fails
            super().__init__(**kw)
        def getCurrentSummary(self): return {{'step': f'now {{self.x}}'}}
        def getResultSummary(self):
            return {{'step': f'did {{self.x}}', 'build': f'with {{self.x}}'}}
        async def run(self):
            await self.addCompleteLog(f'a {{self.x}}', f'is {{self.x}}')
            await self.addHTMLLog('page', self.x)
            log = await self.addLog('parts')
            for letter in self.x:
                await log.addStdout(letter)
            await log.addStderr(f'x{{self.x}}\\ny{{self.x}}')
            await self.addURL(f'go {{self.x}}', f'http://h/?t={{self.x}}')
            self.setProperty('p', {{self.x: [self.x, {{'k': (self.x,)}}]}}, self.x)
            self.build.setProperty(self.x, 1, 'Talks')
            if self.fails:
                raise RuntimeError('x' * 190 + self.x)
            return util.FAILURE
    add('b', steps.ShellCommand(command=['echo', S]),
        steps.ShellCommand(command=I('false; echo %(secret:tok)s'), haltOnFailure=False),
        steps.ShellCommand(command='echo', env={{'A': S}}, workdir=I('w/%(secret:tok)s')),
        steps.ShellCommand(command='true', name=I('n-%(secret:tok)s'), descriptionDone=[S],
                           description=[S], descriptionSuffix=[S]),
        steps.SetProperty(property='set', value=S),
        steps.SetPropertyFromCommand(command=['echo', S], property='got'),
        steps.Git(repourl=I('http://u:%(secret:tok)s@127.0.0.1:9/x.git')),
        steps.ShellCommand(command=I('http://%(secret:tok)s/'), doStepIf=lambda step: False),
        Talks(x=S, alwaysRun=True), Talks(x=S, fails=True, alwaysRun=True),
        properties={{'of builder': S}})
"""

SECRETS = {
    "plain": "hunter2-s3cr3t",
    "of several lines": "line-one-aaa\nline-two-bbb\n",
    "quotes": "Zw-ei/8\"$x'yy",
    "spaces": "correct horse battery",
    "not ASCII": "gehei\u00dfn\u00eds-pw",
}


@pytest.mark.parametrize("kind", SECRETS)
async def test_a_secret_shows_nowhere(kind: str) -> None:
    secret = SECRETS[kind]
    async with started(CONFIGURATION.format(secret=secret)) as ci:
        shown: list[str] = []
        ci.master.bus.subscribe(lambda event: shown.append(repr(event)), *EVENT_TYPES)
        await ci.build("b")
        shown += [json.dumps(rows, ensure_ascii=False) for rows in await answers(ci)]
        await ci.master.stop()
        stored = [path.read_bytes() for path in ci.path.rglob("*") if _is_ours(path)]
    assert sum("<tok>" in text for text in shown) > 30
    for word in words_of(secret):
        assert [text for text in shown if word in text] == []
        assert not any(word.encode() in data for data in stored)


async def answers(ci: World) -> list[list[Row]]:
    paths = ["builds?property=*", "buildrequests", "buildsets", "builds/1/properties"]
    for step in await ci.get("builds/1/steps"):
        paths += [f"steps/{step['stepid']}", f"steps/{step['stepid']}/logs"]
        for log in await ci.get(f"steps/{step['stepid']}/logs"):
            paths.append(f"logs/{log['logid']}/contents")
    return [await ci.get(path) for path in paths]


def words_of(secret: str) -> list[str]:
    return [part for line in secret.splitlines() for part in (line[:9], line[-7:])]


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.name not in ("master.cfg", "tok") and path.suffix != ".pyc"


HANDED_ON = """
    (HERE / 'given').mkdir(mode=0o700, exist_ok=True)
    (HERE / 'given' / 'tok').write_text('hunter2-s3cr3t')
    (HERE / 'given' / 'tok').chmod(0o600)
    c['secretsProviders'] = [secrets.SecretInAFile(dirname=str(HERE / 'given'))]
    c['schedulers'] = [schedulers.Triggerable(name='t', builderNames=['child'])]
    add('parent', steps.Trigger(schedulerNames=['t'], set_properties={
        'tok': util.Secret('tok'), 'of': {'it': [util.Interpolate('x%(secret:tok)s')]}}))
    add('child', steps.ShellCommand(command=['use', util.Property('tok')]), workernames=['later'])
    c['workers'].append(worker.LocalWorker('later'))
"""


async def test_a_secret_that_a_build_hands_on_shows_nowhere_either() -> None:
    async with started(HANDED_ON) as ci:
        ci.worker("later").leave()
        await ci.order("forceschedulers/force", "force", builderNames=["parent"])
        await ci.until("the child waits", lambda: ci.get("buildsets?bsid=2"))
        await ci.restart()  # What the child must hide is not only in memory.
        ci.worker("later").come()
        await ci.until_idle()
        await ci.order("builds/2", "rebuild")
        await ci.until_idle()
        commands = list(ci.worker("later").commands)
        paths = ["buildrequests?property=*", "buildsets/2/properties", "buildsets/3/properties"]
        shown = [json.dumps(rows) for rows in [await ci.get(path) for path in paths]]
        shown += [json.dumps(rows) for rows in await answers(ci)]
        shown += [json.dumps(await ci.get(f"logs/{log}/contents")) for log in (1, 2)]

    assert commands == ["use hunter2-s3cr3t"] * 2
    assert [text for text in shown if "hunter2" in text] == []
    assert "use <tok>" in shown[-1]
    assert "hunter2" not in ci.log


async def test_what_people_say_is_not_searched_for_secrets_they_might_guess() -> None:
    async with started(HANDED_ON) as ci:
        await ci.order("forceschedulers/force", "force", builderNames=["parent"])
        await ci.until_idle()
        await ci.push(comments="is it hunter2-s3cr3t?")
        await ci.order(
            "forceschedulers/force", "force", builderNames=["child"], reason="hunter2-s3cr3t?"
        )
        await ci.until_idle()
        change, buildset = await ci.one("changes/1"), await ci.one("buildsets/3")

    assert change["comments"] == "is it hunter2-s3cr3t?"
    assert buildset["reason"].endswith("hunter2-s3cr3t?")
