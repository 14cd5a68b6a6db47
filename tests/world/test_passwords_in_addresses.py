"""Passwords in the addresses of repositories: steps use them, and visitors are not shown them."""

from __future__ import annotations

import json

from written import started

from chargehand.testing.world import World

SECRET = "hunter2"
ADDRESS = f"https://user:{SECRET}@host.example/x.git"
SHOWN = "https://user:***@host.example/x.git"
CONFIGURATION = """
    from buildbot.util.service import BuildbotService
    class Listens(BuildbotService):
        name = 'listens'
        async def startService(self):
            await super().startService()
            await self.master.mq.startConsuming(self.hear, ('changes', None, 'new'))
        async def hear(self, key, change):
            row = await self.master.data.get(('changes', str(change['changeid'])))
            (HERE / 'heard').write_text(' '.join([change['comments'], row['repository']]))
    c['services'] = [Listens()]
    c['schedulers'] = [schedulers.AnyBranchScheduler(name='any', builderNames=['b'])]
    add('b', steps.ShellCommand(command=['clone', util.Interpolate('%(src::repository)s')]))
    """


async def test_an_address_is_shown_without_its_password_and_used_with_it() -> None:
    async with started(CONFIGURATION) as ci:
        await _push(ci)
        await ci.until_idle()
        paths = ("changes", "changes/1", "sourcestamps", "buildsets", "builds?property=*",
                 "buildsets/1/properties", "changes/1/why")  # fmt: skip
        shown = {path: json.dumps(await ci.get(path)) for path in paths}
        commands = list(ci.worker("local").commands)
        heard = (ci.path / "heard").read_text()

    assert f"clone {ADDRESS}" in commands
    assert heard == f"see {ADDRESS} {ADDRESS}"
    assert [path for path, text in shown.items() if SECRET in text] == []
    assert SHOWN in shown["changes"]
    assert SHOWN in shown["sourcestamps"]


async def _push(ci: World) -> None:
    await ci.push(branch="main", revision="abc", repository=ADDRESS, comments=f"see {ADDRESS}")


FORM = f"""
    c['schedulers'] = [schedulers.ForceScheduler(name='form', builderNames=['b'],
        codebases=[util.CodebaseParameter('', repository=util.FixedParameter('repository',
            default='{ADDRESS}'))],
        properties=[util.ChoiceStringParameter(name='from', choices=['{ADDRESS}', 'x']),
                    util.StringParameter(name='to', default='{ADDRESS}')])]
    add('b', steps.ShellCommand(command=['clone', util.Interpolate('%(prop:from)s %(prop:to)s')]))
    """


async def test_a_form_shows_no_password_and_takes_what_it_showed_for_what_it_means() -> None:
    async with started(FORM) as ci:
        shown = json.dumps(await ci.get("forceschedulers/form"))
        answers = {"builderNames": ["b"], "from": SHOWN, "to": SHOWN}
        await ci.order("forceschedulers/form", "force", **answers)
        await ci.until_idle()
        commands = list(ci.worker("local").commands)

    assert SECRET not in shown
    assert shown.count(SHOWN) >= 3
    assert f"clone '{ADDRESS} {ADDRESS}'" in commands or f"clone {ADDRESS} {ADDRESS}" in commands


async def test_tracebacks_have_no_passwords_in_addresses() -> None:
    async with started(
        """
        class Calls(steps.BuildStep):
            def run(self):
                raise RuntimeError('no answer: https://u:hunter2@h/?token=hunter2 https://ghp_hunter2@h')
        add('b', Calls())
        """
    ) as ci:
        build = await ci.build("b")

        for log in await ci.get(f"builds/{build.id}/steps/generic/logs"):
            [contents] = await ci.get(f"logs/{log['logid']}/contents")
            assert "https://u:***@h/?token=*** https://***@h" in contents["content"]
            assert "hunter2" not in contents["content"]
        assert "hunter2" not in build.state
