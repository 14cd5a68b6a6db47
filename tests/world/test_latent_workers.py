"""Latent workers: machines that are started for builds, and stopped some time after the last."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.domain.result import Result
from chargehand.testing.world import World

_WORKER = """
from buildbot.test.latent import FakeLatentWorker
from buildbot.interfaces import *
"""


def _calls(ci: World) -> list[str]:
    """Return what the machines were told, as the log has it."""
    words = ("starting worker ", "stopping worker ")
    lines = (line.removeprefix("INFO ") for line in ci.log.splitlines())
    return [line.partition(" ")[0] for line in lines if line.startswith(words)]


async def test_a_machine_is_started_for_a_build_and_stopped_when_it_was_idle() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', build_wait_timeout=300)]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        assert _calls(ci) == []
        assert (await ci.one("workers"))["connected_to"] == []

        build = await ci.build("b")

        assert build.result is Result.SUCCESS
        assert (await ci.one("workers"))["connected_to"] != []
        again = await ci.build("b")
        assert again.result is Result.SUCCESS
        assert _calls(ci) == ["starting"]
        await ci.sleep(299)
        assert _calls(ci) == ["starting"]
        await ci.sleep(2)
        assert _calls(ci) == ["starting", "stopping"]
        assert (await ci.one("workers"))["connected_to"] == []
        assert (await ci.build("b")).result is Result.SUCCESS
        assert _calls(ci) == ["starting", "stopping", "starting"]


async def test_the_properties_of_the_worker_are_known_once_it_is_started() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', outcomes=[40])]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        build = await ci.build("b")

        properties = await ci.properties(build)
        assert properties["builddir"] == [str(ci.path / "workers" / "ec2" / "b"), "Worker"]


async def test_what_waits_for_a_machine_is_explained_and_can_be_cancelled() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', outcomes=[100])]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        request = await ci.force("b")
        await ci.sleep(40)

        (build,) = ci.builds("b")
        assert build.state == "starting worker ec2"
        why = await ci.one(f"builds/{build.id}/why")
        assert why["sentence"] == "worker ec2 has been starting for 40 s"
        assert why["details"]["is_starting"] is True

        await ci.order(f"builds/{build.id}", "stop", reason="enough")
        await ci.finished(request)
        assert ci.last_build("b").result is Result.CANCELLED
        await ci.sleep(61)
        assert _calls(ci) == ["starting", "stopping"]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("LatentWorkerFailedToSubstantiate('no quota left')", "no quota left"),
        ("LatentWorkerFailedToSubstantiate('i-1', 'terminated')", "i-1, terminated"),
        ("False", "start_instance returned False"),
        ("KeyError('region')", "KeyError: 'region'"),
        ("TimeoutError('the cloud did not answer')", "TimeoutError: the cloud did not answer"),
        ("3000", "start_instance did not return within 1200 s"),
    ],
)
async def test_a_build_whose_worker_does_not_start_runs_elsewhere(failure: str, words: str) -> None:
    configuration = _WORKER + (
        f"c['workers'].append(FakeLatentWorker('ec2', outcomes=[{failure}]))\n"
        "def latent_first(builder, workers, request):\n"
        "    return sorted(workers, key=lambda one: one.worker.name)[0]\n"
        "add('b', sh('true'), workernames=['ec2', 'local'], nextWorker=latent_first)\n"
    )
    async with started(configuration) as ci:
        request = await ci.force("b")
        await ci.finished(request)

        first, second = ci.builds_of(request)
        assert first.result is Result.RETRY
        assert "worker ec2 could not be started: " in first.state
        assert words in first.state
        assert second.result is Result.SUCCESS
        assert (await ci.properties(second))["workername"] == ["local", "Worker"]
        assert _calls(ci) == ["starting", "stopping"]


async def test_a_worker_that_does_not_start_is_tried_again_later_each_time() -> None:
    configuration = _WORKER + (
        "broken = LatentWorkerFailedToSubstantiate('no quota')\n"
        "c['workers'] = [FakeLatentWorker('ec2', outcomes=[broken] * 3)]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
        "add('other', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        began = ci.now
        request = await ci.force("b")
        await ci.sleep(1)

        why = await ci.waits(request, "workers_quarantined")
        assert "could not be started: no quota" in why
        await ci.waits(await ci.force("other"), "workers_quarantined")
        await ci.finished(request)
        assert [one.result for one in ci.builds("b")][-1] is Result.SUCCESS
        assert ci.now - began >= 10 + 20 + 40


async def test_a_build_that_can_be_run_by_no_machine_is_not_tried_again() -> None:
    configuration = _WORKER + (
        "bad = LatentWorkerCannotSubstantiate('there is no image \"x\"')\n"
        "c['workers'].append(FakeLatentWorker('ec2', outcomes=[bad]))\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        build = await ci.build("b")

        assert build.result is Result.EXCEPTION
        assert build.state == 'worker ec2 could not be started: there is no image "x"'
        assert (await ci.build("b")).result is Result.SUCCESS


@pytest.mark.parametrize(
    ("timeout", "calls"),
    [
        (0, ["starting", "stopping", "starting", "stopping"]),
        (-1, ["starting"]),
    ],
)
async def test_a_machine_is_stopped_after_each_build_or_never(
    timeout: int, calls: list[str]
) -> None:
    configuration = _WORKER + (
        f"c['workers'] = [FakeLatentWorker('ec2', build_wait_timeout={timeout}, max_builds=1)]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        requests = [await ci.force("b"), await ci.force("b")]
        for request in requests:
            assert (await ci.finished(request)).result is Result.SUCCESS
        await ci.sleep(7_200)

        assert _calls(ci) == calls
    assert _calls(ci) == calls + ["stopping"] * (timeout < 0)


async def test_a_worker_that_does_not_connect_is_given_up_and_stopped() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', missing_timeout=90)]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        ci.worker("ec2").is_there = False
        request = await ci.force("b")
        await ci.sleep(91)

        assert "it did not connect within 90 s" in await ci.waits(request, "workers_quarantined")
        assert _calls(ci) == ["starting", "stopping"]
        ci.worker("ec2").is_there = True
        assert (await ci.finished(request)).result is Result.SUCCESS


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("return False, 'it ran out of memory'", "it ran out of memory"),
        ("return False, ''", "check_instance returned False"),
        ("raise OSError('no such instance')", "check_instance failed: no such instance"),
    ],
)
async def test_a_machine_that_is_not_well_is_given_up_early(code: str, words: str) -> None:
    configuration = _WORKER + (
        "class Checked(FakeLatentWorker):\n"
        "    async def check_instance(self):\n"
        f"        {code}\n"
        "c['workers'] = [Checked('ec2', missing_timeout=900)]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        ci.worker("ec2").is_there = False
        request = await ci.force("b")
        await ci.sleep(11)

        assert words in await ci.waits(request, "workers_quarantined")


_SEEN = (
    _WORKER
    + """
class Seen(FakeLatentWorker):
    async def check_instance(self):
        self.looks = [*getattr(self, 'looks', ()), True]
        return True, f'no node is free ({len(self.looks)})'
c['workers'] = [Seen('ec2', missing_timeout=95)]
add('b', sh('true'), workernames=['ec2'])
"""
)


async def test_what_a_machine_waits_for_is_told_meanwhile_and_when_it_is_given_up() -> None:
    async with started(_SEEN) as ci:
        ci.worker("ec2").is_there = False
        request = await ci.force("b")
        await ci.sleep(15)

        (build,) = ci.builds("b")
        why = await ci.one(f"builds/{build.id}/why")
        assert why["sentence"] == "worker ec2 has been starting for 15 s: no node is free (1)"
        await ci.sleep(81)
        assert "it did not connect within 95 s: no node is free (9)" in await ci.waits(
            request, "workers_quarantined"
        )


async def test_a_login_that_is_refused_meanwhile_is_why_it_does_not_connect() -> None:
    async with started(_SEEN) as ci:
        ci.worker("ec2").is_there = False
        request = await ci.force("b")
        ci.worker("ec2").refuse_login("login from 10.0.0.7:1 refused: old")
        await ci.sleep(94)
        assert "refused: old" in await _why_it_is_starting(ci)
        await ci.sleep(2)
        assert "within 95 s: login from 10.0.0.7:1 refused: old; no node is free" in await ci.waits(
            request, "workers_quarantined"
        )

        await ci.sleep(20)
        assert "refused" not in await _why_it_is_starting(ci)
        ci.worker("ec2").refuse_login("login from 10.0.0.7:2 refused: wrong password")
        why = await _why_it_is_starting(ci)
        assert ": login from 10.0.0.7:2 refused: wrong password; no node is free" in why


async def _why_it_is_starting(ci: World) -> str:
    build = ci.builds("b")[-1]
    return str((await ci.one(f"builds/{build.id}/why"))["sentence"])


async def test_a_machine_that_may_be_looked_at_at_once_is_looked_at_more_and_more_seldom() -> None:
    configuration = _SEEN.replace("async def", "_first_check = 1\n    async def", 1)
    async with started(configuration) as ci:
        ci.worker("ec2").is_there = False
        await ci.force("b")
        (build,) = ci.builds("b")
        looks = []
        for _ in range(5):
            await ci.sleep(5)
            why = await ci.one(f"builds/{build.id}/why")
            looks.append(int(why["sentence"].rpartition("(")[2].rstrip(")")))

        assert looks == [2, 3, 4, 4, 5]  # after 1, 3, 7, 15, 25 s


async def test_a_lost_worker_costs_its_builds_and_its_machine() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2')]\n"
        "add('b', blocking('step'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        request = await ci.force("b")
        worker = ci.worker("ec2")
        assert worker.running
        worker.leave()
        worker.is_there = True
        await ci.sleep(5)
        worker.let_go("block step")

        await ci.finished(request)
        assert [one.result for one in ci.builds_of(request)] == [Result.RETRY, Result.SUCCESS]
        assert _calls(ci) == ["starting", "stopping", "starting"]


async def test_builds_may_share_a_machine() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', outcomes=[30], build_wait_timeout=0)]\n"
        "add('a', sh('true'), workernames=['ec2'])\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        requests = [await ci.force("a"), await ci.force("b")]
        for request in requests:
            assert (await ci.finished(request)).result is Result.SUCCESS
        await ci.settle()
        assert _calls(ci) == ["starting", "stopping"]


async def test_a_machine_that_is_not_compatible_is_replaced_when_it_is_free() -> None:
    configuration = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', compatible=False)]\n"
        "add('a', blocking('a'), workernames=['ec2'])\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(configuration) as ci:
        first = await ci.force("a")
        second = await ci.force("b")
        why = await ci.waits(second, "refused_by_function")
        assert why.startswith("isCompatibleWithBuild") and why.endswith("refused for ec2")

        ci.worker("ec2").let_go("block a")
        await ci.finished(first)
        assert (await ci.finished(second)).result is Result.SUCCESS
        assert _calls(ci) == ["starting", "stopping", "starting"]


async def test_a_changed_worker_gets_a_new_machine_and_an_unchanged_one_keeps_it() -> None:
    text = _WORKER + (
        "c['workers'] = [FakeLatentWorker('ec2', properties={'x': %d})]\n"
        "add('b', sh('true'), workernames=['ec2'])\n"
    )
    async with started(text % 1) as ci:
        await ci.build("b")
        await ci.reconfigure(written(text % 1))
        assert _calls(ci) == ["starting"]

        await ci.reconfigure(written(text % 2))
        await ci.sleep(1)
        assert _calls(ci) == ["starting", "stopping"]
        build = await ci.build("b")
        assert (await ci.properties(build))["x"] == [2, "Worker"]
        assert _calls(ci) == ["starting", "stopping", "starting"]


async def test_a_worker_as_old_versions_wrote_it() -> None:
    configuration = """
from buildbot.buildslave import AbstractLatentBuildSlave
from twisted.internet import defer

class Scripted(AbstractLatentBuildSlave):
    def __init__(self, name, password, script, max_builds=None, notify_on_missing=[],
                 missing_timeout=60*20, build_wait_timeout=60*10, properties={}, locks=None):
        AbstractLatentBuildSlave.__init__(
            self, name, password, max_builds, notify_on_missing, missing_timeout,
            build_wait_timeout, properties, locks)
        self.script = script

    def start_instance(self):
        return defer.succeed([self.script, 'i-17'])

    @defer.inlineCallbacks
    def stop_instance(self, fast=False):
        yield defer.succeed(None)

c['slaves'] = [Scripted('old', 'pw', 'start.sh', 2, build_wait_timeout=0)]
del c['workers']
add('b', sh('true'), workernames=['old'])
"""
    async with started(configuration) as ci:
        build = await ci.build("b")
        await ci.settle()

        assert build.result is Result.SUCCESS
        assert "worker old was started: start.sh, i-17" in ci.log
        assert _calls(ci) == ["starting", "stopping"]


async def test_a_subclass_begins_as_a_service_once_and_knows_its_master_and_its_state() -> None:
    configuration = (
        _WORKER
        + """
class Own(FakeLatentWorker):
    def checkConfig(self, name, image, **kwargs):
        super().checkConfig(name, **kwargs)

    async def reconfigService(self, name, image, **kwargs):
        await super().reconfigService(name, **kwargs)
        self.image = image
        self.password = self.getRandomPass()
        print('reconfigured', name, len(self.password))

    async def start_instance(self, build):
        image = await build.render(self.image)
        (HERE / 'told').open('a').write(
            f'{image} {self.master.name != ""} {self.state.name} {build.getProperty("x")}\\n')
        return await super().start_instance(build)

    async def stop_instance(self, fast=False):
        (HERE / 'told').open('a').write(f'stop {fast} {self.state.name}\\n')

c['workers'] = [Own('ec2', util.Interpolate('image-%(prop:x)s'), build_wait_timeout=0)]
add('b', sh('true'), workernames=['ec2'], properties={'x': 'y'})
"""
    )
    async with started(configuration) as ci:
        await ci.build("b")
        await ci.settle()

        assert (ci.path / "told").read_text().splitlines() == [
            "image-y True SUBSTANTIATING y",
            "stop False INSUBSTANTIATING",
        ]


@pytest.mark.parametrize("seconds", [5, 1000])
async def test_a_master_that_stops_stops_the_machine_fast(seconds: int) -> None:
    configuration = (
        _WORKER
        + f"""
class Told(FakeLatentWorker):
    async def stop_instance(self, fast=False):
        (HERE / 'told').write_text(str(fast))

c['workers'] = [Told('ec2', outcomes=[{seconds}])]
add('b', sh('true'), workernames=['ec2'])
"""
    )
    async with started(configuration) as ci:
        await ci.force("b")
        began = ci.now
        await ci.restart()
        assert ci.now - began <= 11
        assert (ci.path / "told").read_text() == "True"
        assert ci.builds("b")[0].result is Result.RETRY


@pytest.mark.parametrize("failure", ["OSError", "LatentWorkerFailedToSubstantiate"])
async def test_the_password_of_a_machine_is_not_shown_when_it_cannot_be_started(
    failure: str,
) -> None:
    configuration = (
        _WORKER
        + f"""
class Talkative(FakeLatentWorker):
    async def start_instance(self, build):
        told = self.worker_password
        (HERE / 'password').write_text(told)
        raise {failure}(f'cannot run: create-worker {{told}}')

c['workers'] = [Talkative('ec2')]
add('b', sh('true'), workernames=['ec2'])
"""
    )
    async with started(configuration) as ci:
        request = await ci.force("b")

        why = await ci.waits(request, "workers_quarantined")
        assert "cannot run: create-worker " in why
        password = (ci.path / "password").read_text()
        assert len(password) == 20
        assert password not in why + ci.log + ci.builds("b")[0].state
