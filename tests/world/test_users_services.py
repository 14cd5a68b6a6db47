"""A user's service in a running master: what ``self.master`` gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written import started, written

from chargehand.testing.world import world

CONFIG = """
import asyncio
from twisted.internet import defer
from buildbot.plugins import *
from buildbot.util.service import BuildbotService, SharedService

class Shared(SharedService):
    pass

class Watcher(BuildbotService):
    name = 'watcher'
    secrets = ('token',)

    def checkConfig(self, outcome, token=None):
        pass

    def reconfigService(self, outcome, token=None):
        self.outcome = outcome
        self.outcome['token'] = token

    @defer.inlineCallbacks
    def startService(self):
        yield super().startService()
        out = self.outcome
        self.consumer = yield self.master.mq.startConsuming(self.heard, ('changes', None, 'new'))
        number = yield self.master.data.updates.addChange(
            author='me', files=['f'], comments='c', revision='r', properties={'p': 1})
        out['change'] = number
        rows = yield self.master.data.get(('changes', number))
        out['author'] = rows['author']
        builders = yield self.master.data.get(('builders',), fields=['name'])
        out['builders'] = [b['name'] for b in builders]
        object_id = yield self.master.db.state.getObjectId('watcher', 'Watcher')
        out['before'] = yield self.master.db.state.getState(object_id, 'count', 0)
        yield self.master.db.state.setState(object_id, 'count', 5)
        out['state'] = yield self.master.db.state.getState(object_id, 'count')
        try:
            yield self.master.db.state.getState(object_id, 'nothing')
        except KeyError:
            out['no state'] = True
        one = yield Shared.getService(self.master, 1)
        two = yield Shared.getService(self.master, 1)
        out['shared'] = one is two and one.running
        out['url'] = self.master.config.buildbotURL
        out['basedir'] = self.master.basedir
        try:
            self.master.flux_capacitor
        except AttributeError as error:
            out['unknown'] = str(error)

    def heard(self, key, message):
        self.outcome['heard'] = (key, message['author'])

    async def stopService(self):
        await super().stopService()
        self.outcome['stopped'] = True

import builtins
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'],
    factory=util.BuildFactory([steps.ShellCommand(command=['true'])]))]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
c['buildbotURL'] = 'http://ci.example.org'
c['secretsProviders'] = [secrets.SecretInAFile(basedir + '/secret-files')]
c['services'] = [Watcher(builtins.users_outcome, token=util.Secret('token'))]
"""


@pytest.fixture
async def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a master with the service until it has heard of its change, and stop it."""
    found: dict[str, Any] = {}
    monkeypatch.setattr("builtins.users_outcome", found, raising=False)
    (tmp_path / "secret-files").mkdir()
    (tmp_path / "secret-files" / "token").write_text("hush\n")
    (tmp_path / "secret-files" / "token").chmod(0o600)
    async with world(CONFIG, path=tmp_path):
        pass
    return found


async def test_a_users_service_runs_and_reaches_the_master(
    outcome: dict[str, Any], tmp_path: Path
) -> None:
    assert outcome["author"] == "me"
    assert outcome["heard"] == (("changes", str(outcome["change"]), "new"), "me")
    assert outcome["builders"] == ["b"]
    assert (outcome["before"], outcome["state"], outcome["no state"]) == (0, 5, True)
    assert outcome["shared"]
    assert outcome["url"] == "http://ci.example.org/"
    assert outcome["basedir"] == str(tmp_path)
    assert outcome["token"] == "hush"
    assert "docs/migrating-from-buildbot.md" in outcome["unknown"]
    assert outcome["stopped"]


_WORKERS = """
import builtins
from twisted.internet import defer

class Tells(worker.LocalWorker):
    def buildStarted(self, wfb):
        builtins.told.append(('started', wfb.builder.name, wfb.worker.name))

    async def buildFinished(self, wfb):
        builtins.told.append(('finished', wfb.builder.name))
        raise ValueError('no')

    def canStartBuild(self):
        return defer.succeed(super().canStartBuild())

    def attached(self, conn):
        told.append(('attached', conn is self.conn))
        return super().attached(conn)

    async def detached(self):
        told.append(('detached',))
        raise LookupError('going')

class Refuses(worker.LocalWorker):
    def canStartBuild(self):
        return False

c['workers'] = [Tells('local'), Refuses('never')]
add('b', sh('x'))
add('never', sh('x'), workernames=['never'])
add('either', sh('x'), workernames=['never', 'local'], canStartBuild=lambda *given: True)
"""


async def test_a_worker_hears_of_its_builds_and_connections_and_decides_about_builds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr("builtins.told", told, raising=False)
    async with started(_WORKERS) as ci:
        build = await ci.build("b")

        assert build.result == 0
        assert told == [("attached", True), ("started", "b", "local"), ("finished", "b")]
        assert "Tells.buildFinished failed" in ci.log

        request = await ci.force("never")
        assert "canStartBuild" in await ci.waits(request, "refused_by_function")
        build = await ci.build("either")
        assert (await ci.properties(build))["workername"][0] == "local"

        del told[:]
        ci.worker("local").die()
        await ci.sleep(1)
        ci.worker("local").come()
        await ci.sleep(1)
        assert told == [("detached",), ("attached", True)]
        assert "Tells.detached failed" in ci.log


_CONNECTIONS = """
class Tells(worker.LocalWorker):
    def attached(self, bot):
        (HERE / 'told').open('a').write(f'attached {self.name}\\n')

    async def detached(self, mind):
        super().detached(mind)
        await asyncio.sleep(3)
        (HERE / 'told').open('a').write(f'detached {self.name}\\n')

class Plain(Tells):
    async def detached(self):
        await super().detached(None)

import asyncio
c['workers'] = [Tells('old'), Plain('new')]
add('b', sh('x'), workernames=['old', 'new'])
"""


async def test_workers_hear_of_their_end_when_they_are_removed_and_when_the_master_stops() -> None:
    async with started(_CONNECTIONS) as ci:
        told = ci.path / "told"
        assert sorted(told.read_text().splitlines()) == ["attached new", "attached old"]
        told.unlink()
        await ci.reconfigure(
            written(_CONNECTIONS)
            .replace("Tells('old'), Plain('new')", "Plain('new')")
            .replace("['old', 'new']", "['new']")
        )
        await ci.sleep(5)
        assert told.read_text() == "detached old\n"
        assert "failed" not in ci.log
        told.unlink()
        await ci.restart()
        assert told.read_text().splitlines()[0] == "detached new"
