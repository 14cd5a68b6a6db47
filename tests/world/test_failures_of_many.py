"""``GET failures``: why builds failed, for many at once: what each failure goes back to."""

from __future__ import annotations

import pytest
from written import started

from chargehand.testing.world import Refused, World

_TEXT = """
c['workers'] = [worker.LocalWorker('local', max_builds=6)]
add('nightly', steps.Trigger(schedulerNames=['packages'], waitForFinish=True, name='packages'))
add('package', sh('pack'),
    steps.Trigger(schedulerNames=['signatures'], waitForFinish=True, name='signatures'))
add('sign', sh('sign', name='sign'))
add('stamp', sh('stamp', name='stamp'))
add('fine', sh('fine'))
c['schedulers'] += [
    schedulers.Triggerable(name='packages', builderNames=['package']),
    schedulers.Triggerable(name='signatures', builderNames=['sign', 'stamp']),
]
"""


async def _broken(ci: World) -> dict[str, int]:
    """Let the nightly build fail; return the numbers of the newest builds by builder."""
    ci.worker("local").on("sign", rc=1, output="fine\nerror: the key has expired")
    ci.worker("local").on("stamp", rc=1, output="error: no stamp")
    await ci.build("nightly")
    await ci.build("fine")
    return {name: ci.last_build(name).id for name in ("nightly", "package", "sign", "fine")}


async def test_each_failure_goes_back_to_the_build_that_all_depends_on() -> None:
    async with started(_TEXT) as ci:
        ids = await _broken(ci)

        asked = "&".join(f"buildid={one}" for one in (*ids.values(), 999))
        rows = {row["buildid"]: row for row in await ci.get(f"failures?{asked}")}

        assert set(rows) == {ids["nightly"], ids["package"], ids["sign"]}
        sign = ci.last_build("sign")
        for row in rows.values():
            assert (row["root_buildid"], row["root_builderid"], row["root_number"]) == (
                sign.id,
                sign.builder_id,
                sign.number,
            )
            assert (row["step"], row["slug"], row["line"], row["text"]) == (
                "sign",
                "stdio",
                3,
                "error: the key has expired",
            )
        assert [rows[ids[name]]["others"] for name in ("nightly", "package", "sign")] == [1, 1, 0]


async def test_a_build_that_says_itself_why_it_failed_is_its_own_root() -> None:
    text = """
add('early', sh('broken', name='broken', haltOnFailure=False),
    steps.Trigger(schedulerNames=['signatures'], waitForFinish=True))
add('sign', sh('sign', name='sign'))
c['workers'] = [worker.LocalWorker('local', max_builds=6)]
c['schedulers'] += [schedulers.Triggerable(name='signatures', builderNames=['sign'])]
"""
    async with started(text) as ci:
        ci.worker("local").on("sign", rc=1, output="error: the key has expired")
        ci.worker("local").on("broken", rc=1, output="error: mine")
        early = await ci.build("early")

        (row,) = await ci.get(f"failures?buildid={early.id}")

        assert (row["root_buildid"], row["step"], row["text"]) == (
            early.id,
            "broken",
            "error: mine",
        )


async def test_the_question_names_the_builds() -> None:
    async with started(_TEXT) as ci:
        many = "&".join(f"buildid={one}" for one in range(1, 102))
        for query, why in (("", "name the builds: buildid=…"), (many, "too many builds")):
            with pytest.raises(Refused) as refused:
                await ci.get(f"failures?{query}")
            assert refused.value.status == 400
            assert why in str(refused.value)
