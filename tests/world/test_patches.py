"""A patch goes from a form, or a scheduler of a user's, to the worker, and REST shows it."""

from __future__ import annotations

import base64

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result

_DIFF = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n"


async def test_a_patch_from_the_form_is_applied_and_shown() -> None:
    guide = code_of("build-a-patch").partition("c['secretsProviders']")[0]
    guide = guide.replace("'tests'", "'b'")
    configuration = f"""
{guide}
add('b', steps.Git(repourl='https://example.org/x.git'))
c['schedulers'].append(try_form)
"""
    async with started(configuration) as ci:
        ci.worker("local").on("git rev-parse", output="a" * 40)
        build = await ci.build(
            "b", "try", patch_body=_DIFF, patch_level=2, patch_author="ann", patch_comment="why"
        )

        assert build.result is Result.SUCCESS
        worker = ci.worker("local")
        patch = "patch -p2 --remove-empty-files --force --forward -i .buildbot-diff"
        assert worker.commands.index(patch) > worker.commands.index("git rev-parse HEAD")
        (buildset,) = await ci.get("buildsets")
        stamps = buildset["sourcestamps"]
        assert isinstance(stamps, list)
        (stamp,) = stamps
        assert isinstance(stamp, dict)
        shown = stamp["patch"]
        assert isinstance(shown, dict)
        assert {name: shown[name] for name in ("level", "subdir", "author", "comment")} == {
            "level": 2,
            "subdir": ".",
            "author": "ann",
            "comment": "why",
        }
        body = str(shown["body"])
        assert _DIFF in (
            body,
            base64.b64decode(body + "==", validate=False).decode("utf-8", "replace"),
        )

        worker.on("patch ", rc=1, output="1 out of 1 hunk FAILED\n")
        build = await ci.build("b", "try", patch_body=_DIFF)
        assert build.result is Result.FAILURE
        assert ci.step(build, "git").state == "the patch does not apply; see the log"
        assert "hunk FAILED" in await ci.text(build, "git")


async def test_a_scheduler_of_a_user_submits_a_patch() -> None:
    configuration = f"""
from buildbot.schedulers.base import BaseScheduler
from buildbot.steps.source.base import Source

class Copied(Source):
    name = 'copied'

    def run_vc(self, branch, revision, patch):
        return util.SUCCESS

class Patched(BaseScheduler):
    async def activate(self):
        await super().activate()
        await self.addBuildsetForSourceStampsWithDefaults(
            reason='a patch', waited_for=False,
            sourcestamps=[{{'codebase': '', 'branch': 'main', 'repository': 'r', 'project': '',
                'patch_body': {_DIFF.encode()!r}, 'patch_level': 1, 'patch_subdir': 'lib',
                'patch_author': 'bob', 'patch_comment': ''}}])

add('b', Copied())
c['schedulers'].append(Patched(name='patched', builderNames=['b']))
"""
    async with started(configuration) as ci:
        await ci.until_idle()

        assert ci.last_build("b").result is Result.SUCCESS
        assert "in dir b/build/lib" in await ci.text(ci.last_build("b"), "copied")
        assert any(line.startswith("patch -p1 ") for line in ci.worker("local").commands)
