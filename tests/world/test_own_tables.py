"""Tables of a plug-in's own in a whole master, as the guide shows them."""

from __future__ import annotations

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result


async def test_the_guides_tables_are_filled_and_outlive_the_master() -> None:
    async with started(f"{code_of('keep-own-tables')}\nadd('tests', NoteFlakyTest())") as ci:
        assert (await ci.build("tests")).result is Result.SUCCESS
        await ci.restart()
        build = await ci.build("tests")

        assert "{'tests': 2}" in await ci.text(build, "note", "counts")
        assert (ci.path / "plugins.sqlite").exists()


async def test_writing_the_masters_tables_fails_the_step_with_a_sentence() -> None:
    text = """
    class Writes(steps.BuildStep):
        async def run(self):
            builds = self.master.db.model.builds
            await self.master.db.pool.do(lambda c: c.execute(builds.delete()))
    import sqlalchemy as sa
    from buildbot.db.base import DBConnectorComponent
    class Component(DBConnectorComponent):
        def __init__(self, connector):
            super().__init__(connector)
            self.names = sa.Table('names', connector.model.metadata,
                sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(5)))
    class Finds(steps.BuildStep):
        async def run(self):
            part = Component(self.master.db)
            await part.db.pool.do_with_engine(part.names.create)
            where = part.names.c.name == 'a'
            found = [await part.findSomethingId(part.names, where, {}, autoCreate=False)]
            for _ in range(2):
                found.append(await part.findOrCreateSomethingId(part.names, where, {'name': 'a'}))
            assert found == [None, (1, False), (1, True)], found
            assert await part.findSomethingId(part.names, where, {}) == 1
            assert len(part.ensureLength(part.names.c.name, 'long enough')) == 5
            assert len(part.hashColumns('a', None, 1)) == 40
            assert list(part.doBatch(range(5), batch_n=2)) == [[0, 1], [2, 3], [4]]
            assert part.master is self.master
            try:
                part.checkLength(part.names.c.name, 'long enough')
            except RuntimeError:
                return util.SUCCESS
    add('finds', Finds())
    class Unknown(steps.BuildStep):
        def run(self):
            return self.master.db.model.buildz
    add('writes', Writes())
    add('unknown', Unknown())
    """
    async with started(text) as ci:
        build = await ci.build("writes")
        assert build.result is Result.EXCEPTION
        assert "the master's tables are read-only for plug-ins" in build.state

        assert (await ci.build("finds")).result is Result.SUCCESS

        build = await ci.build("unknown")
        assert 'has no table "buildz"; did you mean "builds"?' in build.state
