"""How far changes are trusted decides which secrets and workers their builds get."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.domain.build import Build
from chargehand.domain.result import Result
from chargehand.domain.trust import TrustLevel
from chargehand.testing.world import World

UNTRUSTED, REVIEWED, TRUSTED = TrustLevel

_SECRETS = """
    (HERE / 'given').mkdir(mode=0o700, exist_ok=True)
    for name in ('deploy', 'mirror'):
        (HERE / 'given' / name).write_text(f'the {name} key')
        (HERE / 'given' / name).chmod(0o600)
    c['secretsProviders'] = [secrets.SecretInAFile(dirname=str(HERE / 'given'))]
    def on_push(*names, **more):
        c['schedulers'].append(schedulers.SingleBranchScheduler(
            name='push', builderNames=list(names),
            change_filter=util.ChangeFilter(branch_not_eq='nobody'), **more))
    def using(name='deploy'):
        return steps.ShellCommand(command=['use', util.Secret(name)], name=f'use {name}')
"""

_USES = _SECRETS + "    add('app', using())\n    on_push('app')\n"


def _uses_and(more: str) -> str:
    return _USES + more


async def _levels(ci: World, kind: str = "buildsets") -> list[str]:
    return [row["trust"] for row in await ci.get(kind)]


async def _reason(ci: World) -> str:
    return str((await ci.get("buildsets"))[-1]["trust_reason"])


def _was_withheld(ci: World, build: Build, secret: str = "deploy") -> bool:
    """Return whether the build's step failed for want of the secret, which it must say."""
    step = ci.step(build, f"use {secret}")
    if build.result is Result.SUCCESS:
        assert f"use the {secret} key" in " ".join(ci.worker("local").commands)
        return False
    assert build.result is Result.EXCEPTION
    assert f'secret "{secret}" is withheld from this build' in step.state
    return True


async def test_a_change_of_a_fork_gets_no_secret_and_its_step_says_why() -> None:
    async with started(_USES) as ci:
        await ci.push(revision="a1", trust=UNTRUSTED)
        await ci.until_idle()

        build = ci.last_build("app")
        assert _was_withheld(ci, build)
        assert "its sources are untrusted: change 1" in ci.step(build, "use deploy").state
        assert "SecretWithheld" in build.state
        assert not any(line.startswith("use") for line in ci.worker("local").commands)
        text = await ci.text(build, "use deploy", "err.text")
        assert "c['trust']['secrets'] lists what such builds may have" in text
        assert await _levels(ci) == await _levels(ci, "changes") == ["untrusted"]


async def test_what_nobody_distrusts_gets_everything() -> None:
    async with started(_USES) as ci:
        await ci.push(revision="a1")
        await ci.until_idle()

        assert not _was_withheld(ci, ci.last_build("app"))
        assert await _levels(ci) == ["trusted"]
        assert await _reason(ci) == "None"


async def test_rules_lower_what_senders_say_and_never_raise_it() -> None:
    rules = """
    c['trust'] = {'changes': [
        (util.ChangeFilter(repository='https://git/app'), 'trusted'),
        (util.ChangeFilter(repository_re='https://git/near/'), 'reviewed'),
        (util.ChangeFilter(), 'untrusted')]}
    """
    async with started(_uses_and(rules)) as ci:
        await ci.push(repository="https://git/app", revision="a1")
        await ci.push(repository="https://git/app", revision="a2", trust=UNTRUSTED)
        await ci.push(repository="https://git/near/app", revision="a3")
        await ci.push(repository="https://git/fork/app", revision="a4", trust=REVIEWED)
        await ci.until_idle()

        expected = ["trusted", "untrusted", "reviewed", "untrusted"]
        assert await _levels(ci, "changes") == await _levels(ci) == expected
        assert [_was_withheld(ci, build) for build in ci.builds("app")] == [False, True, True, True]
        changes = await ci.get("changes")
        assert changes[2]["trust_reason"] == "rule 2 of c['trust']['changes']"


async def test_a_rule_that_fails_trusts_nobody() -> None:
    rules = """
    c['trust'] = {'changes': [(util.ChangeFilter(filter_fn=lambda change: 1 / 0), 'trusted')]}
    """
    async with started(_uses_and(rules)) as ci:
        await ci.push(revision="a1")
        await ci.until_idle()

        assert _was_withheld(ci, ci.last_build("app"))
        assert "rule 1 of c['trust']['changes'] failed" in await _reason(ci)


async def test_levels_may_have_the_secrets_that_are_listed_for_them() -> None:
    more = """
    add('mirror', using('mirror'))
    c['schedulers'][-1].builderNames.append('mirror')
    c['trust'] = {'secrets': {'untrusted': ['mir*'], 'trusted': ['mirror']}}
    """
    async with started(_uses_and(more)) as ci:
        for number, level in enumerate(TrustLevel):
            await ci.push(revision=f"a{number}", trust=level)
        await ci.until_idle()

        mirror = [_was_withheld(ci, build, "mirror") for build in ci.builds("mirror")]
        assert mirror == [False, False, False]
        # What is trusted is limited as well where it has an entry of its own.
        assert [_was_withheld(ci, build) for build in ci.builds("app")] == [True, True, True]


async def test_the_lowest_of_several_changes_counts() -> None:
    async with started(_USES.replace("on_push('app')", "on_push('app', treeStableTimer=60)")) as ci:
        await ci.push(revision="a1")
        await ci.push(revision="a2", trust=REVIEWED)
        await ci.push(revision="a3")
        await ci.sleep(120)

        assert len(ci.builds("app")) == 1
        assert _was_withheld(ci, ci.last_build("app"))
        assert await _reason(ci) == "change 2"


_WORKERS = """
    c['workers'].append(worker.LocalWorker('sandbox', max_builds=1))
    add('tests', blocking('test'), workernames=['local', 'sandbox'])
    add('release', blocking('ship'), workernames=['local'])
    c['schedulers'].append(schedulers.SingleBranchScheduler(
        name='push', builderNames=['tests'], change_filter=util.ChangeFilter(branch='main')))
    c['schedulers'].append(schedulers.SingleBranchScheduler(
        name='ship', builderNames=['release'], change_filter=util.ChangeFilter(branch='stable')))
    c['trust'] = {'workers': {'untrusted': ['sand*'], 'trusted': ['local']}}
"""


async def test_builds_run_on_workers_for_their_level_only_and_say_what_they_wait_for() -> None:
    async with started(_WORKERS) as ci:
        for number in range(2):
            await ci.push(revision=f"fork{number}", trust=UNTRUSTED)
        await ci.push(revision="ours")

        # The second one of the fork waits for the sandbox, and nobody waits behind it.
        assert ci.worker("sandbox").running == ["block test"]
        assert ci.worker("local").running == ["block test"]
        waiting = [one for one in ci.history.requests.values() if one.claimed_by is None]
        assert [one.buildset_id for one in waiting] == [2]
        said = await ci.waits(waiting[0].id, "not_trusted_enough")
        assert said == (
            "c['trust'] allows only some of its workers for untrusted sources (sandbox): sandbox "
            "is already running tests #1 (limit: 1 build of this builder per worker)"
        )

        for name in ("local", "sandbox"):
            ci.worker(name).let_go("test")
        await ci.until_idle()
        names = [(await ci.properties(build))["workername"][0] for build in ci.builds("tests")]
        assert sorted(names) == ["local", "sandbox", "sandbox"]


async def test_a_builder_without_a_worker_for_a_level_says_so() -> None:
    async with started(_WORKERS) as ci:
        await ci.push(branch="stable", revision="fork", trust=REVIEWED)

        (waiting,) = ci.history.requests.values()
        said = await ci.waits(waiting.id, "not_trusted_enough")
        assert said == "c['trust'] allows no worker of this builder for reviewed sources: local"

        # What is allowed is decided when a build starts, not when its change arrives.
        await ci.reconfigure(written(_WORKERS.replace("['sand*']", "['sand*', 'local']")))
        assert ci.worker("local").running == ["block ship"]
        ci.worker("local").let_go("ship")
        await ci.until_idle()


async def test_users_functions_are_offered_what_may_start_only() -> None:
    more = (
        _WORKERS
        + """
    def next_build(builder, requests):
        open(HERE / 'builds', 'a').write(f'{len(requests)} ')
        return requests[-1]
    def next_worker(builder, workers, request):
        open(HERE / 'workers', 'a').write(''.join(w.worker.workername + ' ' for w in workers))
        return workers[0]
    c['builders'][0].nextBuild, c['builders'][0].nextWorker = next_build, next_worker
    """
    )
    async with started(more) as ci:
        await ci.push(revision="fork1", trust=UNTRUSTED)
        await ci.push(revision="fork2", trust=UNTRUSTED)
        await ci.push(revision="ours")

        assert (ci.path / "workers").read_text() == "sandbox local "
        assert (ci.path / "builds").read_text() == "1 1 "
        for name in ("local", "sandbox"):
            ci.worker(name).let_go("test")
        await ci.until_idle()


async def test_what_is_trusted_differently_is_not_collapsed() -> None:
    more = _WORKERS + "    c['collapseRequests'] = COLLAPSE\n"
    for rule in ("True", "lambda *_: True"):
        async with started(more.replace("COLLAPSE", rule)) as ci:
            await ci.push(revision="a0")
            for level in (TRUSTED, UNTRUSTED, UNTRUSTED, UNTRUSTED, TRUSTED):
                await ci.push(revision="ours", trust=level)

            waiting = [one for one in ci.history.requests.values() if not one.complete]
            levels = dict(zip(range(1, 7), await _levels(ci), strict=True))
            kept = [levels[one.buildset_id] for one in waiting if one.claimed_by is None]
            assert sorted(kept) == ["trusted", "untrusted"], rule
            for name in ("local", "sandbox"):
                ci.worker(name).let_go("test")
            await ci.until_idle()


_TRIGGERS = """
    add('child', using(), steps.ShellCommand(command=['given', util.Property('key')], name='given'))
    c['schedulers'].append(schedulers.Triggerable(name='child', builderNames=['child']))
    add('parent', steps.Trigger(schedulerNames=['child'], waitForFinish=True,
                                sourceStamp={'branch': 'main', 'revision': 'ours'}))
    on_push('parent')
"""


async def test_triggered_builds_inherit_the_level_whatever_they_build() -> None:
    async with started(_SECRETS + _TRIGGERS) as ci:
        await ci.push(branch="nobody", revision="ours")
        await ci.push(revision="fork", trust=UNTRUSTED)
        await ci.until_idle()

        assert _was_withheld(ci, ci.last_build("child"))
        parent = ci.last_build("parent").id
        assert await _reason(ci) == f"triggered by build {parent}"


async def test_a_secret_that_a_trusted_build_hands_to_a_less_trusted_one_does_not_arrive() -> None:
    hands_over = _TRIGGERS.replace(
        "'revision': 'ours'}",
        "'revision': 'fork'}, set_properties={'key': util.Interpolate('%(secret:mirror)s')}",
    ).replace("using(), ", "")
    async with started(_SECRETS + hands_over) as ci:
        await ci.push(branch="nobody", revision="fork", trust=UNTRUSTED)
        await ci.push(revision="ours")
        await ci.until_idle()

        assert await _levels(ci) == ["trusted", "untrusted"]
        given = [line for line in ci.worker("local").commands if line.startswith("given")]
        assert given == ["given <mirror>"]


async def test_a_secret_of_the_scheduler_does_not_arrive_either() -> None:
    config = (
        _SECRETS
        + """
    add('app', steps.ShellCommand(command=['given', util.Property('key')], name='given'))
    on_push('app', properties={'key': util.Secret('mirror')})
    """
    )
    async with started(config) as ci:
        await ci.push(revision="ours")
        await ci.push(revision="fork", trust=UNTRUSTED)
        await ci.until_idle()

        given = [line for line in ci.worker("local").commands if line.startswith("given")]
        assert given == ["given the mirror key", "given <mirror>"]


async def test_a_rebuild_a_retry_and_a_restart_change_nothing() -> None:
    async with started(_USES) as ci:
        await ci.push(revision="fork", trust=UNTRUSTED)
        await ci.until_idle()
        first = ci.last_build("app")

        await ci.restart()
        await ci.order(f"builds/{first.id}", "rebuild")
        await ci.until_idle()
        second = ci.last_build("app")
        await ci.order(f"builds/{second.id}", "rebuild")
        await ci.until_idle()

        builds = ci.builds("app")
        assert len(builds) == 3
        assert all(_was_withheld(ci, build) for build in builds)
        assert await _reason(ci) == f"a rebuild of build {second.id}"


async def test_waiting_requests_keep_their_level_over_a_restart() -> None:
    async with started(_WORKERS) as ci:
        ci.worker("sandbox").leave()
        await ci.push(revision="fork", trust=UNTRUSTED)

        await ci.restart()
        (waiting,) = ci.history.requests.values()
        said = await ci.waits(waiting.id, "not_trusted_enough")
        assert said.endswith("(sandbox): none of its workers is connected: sandbox")


_FORK = "f" * 40


@pytest.mark.parametrize(
    ("given", "is_withheld"),
    [
        ({"revision": _FORK}, True),
        ({"revision": _FORK, "repository": "https://git/app"}, True),
        ({"branch": "fork", "repository": "https://git/fork"}, True),
        ({"trust": "trusted", "revision": _FORK}, True),
        ({"branch": "main", "repository": "https://git/app"}, False),
        ({}, False),
    ],
)
async def test_a_form_cannot_raise_the_level_of_what_it_names(
    given: dict[str, str], is_withheld: bool
) -> None:
    config = _USES.replace("on_push('app')", "")
    async with started(config) as ci:
        await ci.push(repository="https://git/fork", branch="fork", revision=_FORK, trust=UNTRUSTED)
        await ci.push(repository="https://git/app", branch="main", revision="o" * 40)

        build = await ci.build("app", **given)

        assert _was_withheld(ci, build) is is_withheld


async def test_revisions_that_no_change_has_brought_are_not_trusted_where_trust_is_configured() -> (
    None
):
    """A commit of a fork can be had from the repository itself by who knows its hash, in many
    ways to write it."""
    more = "    c['trust'] = {}\n"
    async with started(_uses_and(more)) as ci:
        await ci.push(repository="https://git/app", revision="a" * 40)
        await ci.until_idle()

        known = await ci.build("app", repository="https://git/app", revision="a" * 40)
        newest = await ci.build("app", repository="https://git/app")
        short = await ci.build("app", repository="https://git/app", revision="fffff")

        assert [_was_withheld(ci, one) for one in (known, newest, short)] == [False, False, True]
        assert await _reason(ci) == (
            "no change has brought revision fffff; changes are known by their whole revision"
        )


@pytest.mark.parametrize(
    "given",
    [
        {"revision": "fffffff"},
        {"revision": _FORK.upper()},
        {"revision": "e" * 40},
        {"revision": "refs/pull/7/head"},
        {"revision": f"{_FORK}^0"},
        {"branch": "refs/pull/7/head"},
        {"branch": "pull/7/head"},
        {"branch": "+refs/merge-requests/3/head"},
        {"branch": _FORK},
        {"branch": _FORK.upper()},
        {"branch": "refs/heads/fork", "repository": "https://git/fork"},
    ],
)
async def test_once_a_change_is_not_trusted_ways_of_naming_it_are_not_either(
    given: dict[str, str],
) -> None:
    """Without ``c['trust']`` as well: who distrusts a change does not have to configure more."""
    async with started(_USES.replace("on_push('app')", "")) as ci:
        await ci.push(repository="https://git/app", branch="main", revision="o" * 40)
        before = await ci.build("app", **given)
        assert not _was_withheld(ci, before)
        await ci.push(repository="https://git/fork", branch="fork", revision=_FORK, trust=UNTRUSTED)

        assert _was_withheld(ci, await ci.build("app", **given))

        for known in ({}, {"branch": "main"}, {"branch": "quiet"}, {"branch": "refs/heads/main"}):
            of = {"repository": "https://git/app", **known}
            assert not _was_withheld(ci, await ci.build("app", **of)), known


async def test_a_long_name_is_no_hash() -> None:
    """A hash is the same in all repositories, and other names are not."""
    name = "release-candidate-of-the-second-edition-2026"
    async with started(_USES.replace("on_push('app')", "")) as ci:
        await ci.push(repository="https://git/app", revision=name)
        await ci.push(repository="https://git/fork", revision="x", trust=UNTRUSTED)
        assert not _was_withheld(
            ci, await ci.build("app", repository="https://git/app", revision=name)
        )
        assert _was_withheld(
            ci, await ci.build("app", repository="https://git/fork", revision=name)
        )


async def test_a_build_whose_worker_is_lost_starts_again_with_its_level() -> None:
    config = _SECRETS + "    add('app', blocking('wait'), using())\n    on_push('app')\n"
    async with started(config) as ci:
        await ci.push(revision="fork", trust=UNTRUSTED)
        await ci.settle()
        ci.worker("local").die()
        await ci.sleep(5)
        ci.worker("local").let_go("wait")
        await ci.until_idle()

        first, second = ci.builds("app")
        assert first.result is Result.RETRY
        assert _was_withheld(ci, second)
        assert await _levels(ci) == ["untrusted"]


async def test_strangers_cancel_no_builds_of_others() -> None:
    more = """
    c['services'] = [util.OldBuildCanceller('older', filters=[
        (['app'], util.SourceStampFilter())])]
    """
    config = _SECRETS + "    add('app', blocking('wait'))\n    on_push('app')\n" + more
    async with started(config) as ci:
        for revision, level in (("1", TRUSTED), ("2", UNTRUSTED), ("3", UNTRUSTED), ("4", TRUSTED)):
            await ci.push(branch="main", revision=revision, repository="r", trust=level)
        results = [row["results"] for row in await ci.get("buildrequests?order=buildrequestid")]
        assert results == [6, 6, 6, -1]
        await ci.push(branch="main", revision="5", repository="r", trust=UNTRUSTED)
        results = [row["results"] for row in await ci.get("buildrequests?order=buildrequestid")]
        assert results == [6, 6, 6, -1, -1]


async def test_branches_are_as_trusted_as_their_newest_change() -> None:
    async with started(_USES.replace("on_push('app')", "")) as ci:
        found = []
        for number, level in enumerate((TRUSTED, REVIEWED, TRUSTED)):
            await ci.push(repository="r", branch="b", revision=f"r{number}", trust=level)
            found.append(_was_withheld(ci, await ci.build("app", repository="r", branch="b")))

        assert found == [False, True, False]


async def test_schedulers_have_levels_too() -> None:
    more = "    c['trust'] = {'schedulers': {'pu*': 'reviewed', 'nobody': 'untrusted'}}\n"
    async with started(_uses_and(more)) as ci:
        await ci.push(revision="ours")
        await ci.until_idle()
        await ci.build("app")

        assert await _levels(ci) == ["reviewed", "trusted"]
        first = (await ci.get("buildsets"))[0]
        assert first["trust_reason"] == "scheduler push (c['trust']['schedulers'])"


async def test_what_depends_on_a_build_is_trusted_as_far() -> None:
    more = """
    add('test', sh('true'))
    c['schedulers'][-1].builderNames[:] = ['test']
    c['schedulers'].append(schedulers.Dependent(
        name='after', builderNames=['app'], upstream=c['schedulers'][-1]))
    """
    async with started(_uses_and(more)) as ci:
        await ci.push(revision="ours")
        await ci.push(revision="fork", trust=UNTRUSTED)
        await ci.until_idle()

        assert [_was_withheld(ci, build) for build in ci.builds("app")] == [False, True]


async def test_a_review_is_a_new_change_of_the_same_revision() -> None:
    more = "    c['trust'] = {'secrets': {'reviewed': ['deploy']}}\n"
    async with started(_uses_and(more)) as ci:
        await ci.push(revision=_FORK, trust=UNTRUSTED)
        await ci.until_idle()
        await ci.push(revision=_FORK, trust=REVIEWED)
        await ci.until_idle()

        assert [_was_withheld(ci, build) for build in ci.builds("app")] == [True, False]


async def test_properties_do_not_raise_the_level() -> None:
    async with started(_USES) as ci:
        await ci.push(
            revision="fork",
            trust=UNTRUSTED,
            properties={"trust": ("trusted", "Change"), "trust_reason": ("", "Change")},
        )
        await ci.until_idle()

        assert _was_withheld(ci, ci.last_build("app"))


async def test_users_code_knows_the_level_and_orders_builds_no_better() -> None:
    config = (
        _SECRETS
        + """
    class Asks(steps.BuildStep):
        async def run(self):
            self.descriptionDone = f'{self.build.trust}: {self.build.trust_reason}'
            builder = await self.master.data.updates.findBuilderId('app')
            change = next(iter(self.build.allChanges()))
            assert change.trust == self.build.trust
            await self.master.data.updates.addBuildset(
                scheduler='mine', reason='r', builderids=[builder],
                sourcestamps=[{'codebase': '', 'revision': change.revision}])
            return util.SUCCESS
    add('app', using())
    add('asks', Asks(name='asks', doStepIf=lambda step: step.build.trust == 'untrusted'))
    on_push('asks')
    """
    )
    async with started(config) as ci:
        await ci.push(revision=_FORK, trust=UNTRUSTED)
        await ci.until_idle()

        assert ci.step(ci.last_build("asks"), "asks").state == "untrusted: change 1"
        assert _was_withheld(ci, ci.last_build("app"))


async def test_tokens_of_builds_are_secrets() -> None:
    config = (
        _SECRETS
        + """
    add('app', steps.ShellCommand(command=['ask', util.BuildToken(actions=['force'])], name='ask'))
    on_push('app')
    """
    )
    async with started(config) as ci:
        await ci.push(revision="fork", trust=UNTRUSTED)
        await ci.until_idle()

        build = ci.last_build("app")
        assert 'secret "build token" is withheld' in ci.step(build, "ask").state
        assert not any(line.startswith("ask") for line in ci.worker("local").commands)
