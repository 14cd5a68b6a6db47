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
