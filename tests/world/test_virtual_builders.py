"""Builds whose properties name another builder are listed under that one."""

from __future__ import annotations

from written import started

from chargehand.domain.result import Result

_CONFIG = """
add('child', steps.SetProperty(property='seen', value=util.Interpolate(
    '%(prop:buildername)s %(prop:builderid)s')), sh('true'))
c['projects'] = [util.Project(name='tools')]
c['schedulers'] = [schedulers.Triggerable(name='child', builderNames=['child'])]
add('parent', *[
    steps.Trigger(schedulerNames=['child'], waitForFinish=True, set_properties={
        'virtual_builder_name': name,
        'virtual_builder_description': 'one package',
        'virtual_builder_project': 'tools',
        'virtual_builder_tags': ['package', name],
    })
    for name in ('zlib', 'bash', 'child', '')
])
"""


async def test_a_build_belongs_to_the_builder_that_its_properties_name():
    async with started(_CONFIG) as ci:
        assert (await ci.build("parent")).result is Result.SUCCESS
        assert (await ci.build("parent")).result is Result.SUCCESS

        builders = {one["name"]: one for one in await ci.get("builders")}
        real = builders["child"]
        zlib = builders["zlib"]
        assert {name: zlib[name] for name in ("masterids", "tags", "description", "projectid")} == {
            "masterids": [],
            "tags": ["package", "zlib", "_virtual_"],
            "description": "one package",
            "projectid": 1,
        }
        found = await ci.get(f"builders/{zlib['builderid']}/builds")
        assert [build["number"] for build in found] == [1, 2]
        requests = await ci.get("buildrequests")
        asked = {one["buildrequestid"]: one["builderid"] for one in requests}
        assert {asked[build["buildrequestid"]] for build in found} == {real["builderid"]}
        # A builder that is configured stays as it is; so does a build that names none.
        assert (real["tags"], real["description"]) == ([], None)
        numbers = await ci.get(f"builders/{real['builderid']}/builds")
        assert [build["number"] for build in numbers] == [1, 2, 3, 4]
        properties = (await ci.get(f"builds/{found[0]['buildid']}/properties"))[0]
        assert properties["seen"][0] == f"child {real['builderid']}"
        assert properties["buildnumber"][0] == 1


async def test_a_virtual_builder_stays_when_the_configuration_is_read_again():
    async with started(_CONFIG) as ci:
        await ci.build("parent")
        before = await ci.get("builders")

        await ci.restart()

        assert await ci.get("builders") == before
        await ci.build("parent")
        (virtual,) = [one for one in before if one["name"] == "bash"]
        assert len(await ci.get(f"builders/{virtual['builderid']}/builds")) == 2
