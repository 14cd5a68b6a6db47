"""Plug-ins' own tables, and ours as they may read them, on databases of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, ForeignKey, Integer, String, Table, select
from sqlalchemy.exc import IntegrityError
from store_workshop import Workshop, opened

from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.store.engine import schema
from chargehand.store.engine.engines import resolved, writing_engine
from chargehand.store.plugin_database import ReadOnlyTable
from chargehand.store.plugin_views import VIEWS


def _own_table(workshop: Workshop) -> Table:
    metadata = workshop.store.plugins.metadata
    return Table(
        "notes", metadata, Column("id", Integer, primary_key=True), Column("text", String(50))
    )


async def test_own_tables_are_made_written_and_read_with_the_masters_joined(
    workshop: Workshop, database_url: str, tmp_path: Path
) -> None:
    plugins = workshop.store.plugins
    notes = _own_table(workshop)
    build = await workshop.build()
    await workshop.store.builds.finish_build(build, Result.FAILURE, "", [build.request_id])
    await workshop.recorded()
    await plugins.do_with_engine(lambda engine: notes.create(engine, checkfirst=True))
    await plugins.do_with_engine(lambda engine: plugins.metadata.create_all(engine))

    await plugins.do(
        lambda connection: connection.execute(notes.insert().values(id=build.id, text="flaky"))
    )

    builds = plugins.metadata.tables["builds"]
    joined = select(notes.c.text, builds.c.number, builds.c.results).join(
        builds, builds.c.id == notes.c.id
    )
    rows = await plugins.do(lambda connection: connection.execute(joined).all())
    assert rows == [("flaky", 1, 2)]
    async with opened(database_url, tmp_path) as again:
        notes = _own_table(again)
        query = select(notes.c.text)
        assert await again.store.plugins.do(lambda c: c.execute(query).scalars().all()) == ["flaky"]


async def test_every_view_can_be_read(workshop: Workshop) -> None:
    await workshop.build()
    await workshop.store.changes.add([NewChange(author="ann", branch="main")])
    tables = workshop.store.plugins.metadata.tables

    def read(connection: Connection) -> dict[str, int]:
        return {name: len(connection.execute(tables[name].select()).all()) for name in VIEWS}

    counts = await workshop.store.plugins.do(read)

    assert counts["changes"] == counts["builds"] == counts["buildrequest_claims"] == 1
    assert counts["builders"] == 2


async def test_the_masters_tables_cannot_be_written(workshop: Workshop) -> None:
    await workshop.build()
    plugins = workshop.store.plugins
    builds = plugins.metadata.tables["builds"]
    for statement in (
        builds.insert().values(id=9),
        builds.update().values(number=9),
        builds.delete(),
    ):
        with pytest.raises(ReadOnlyTable, match="read-only"):
            await plugins.do(lambda connection, s=statement: connection.execute(s))
    refers = Table("refers", plugins.metadata, Column("build", ForeignKey("builds.id")))
    with pytest.raises(ReadOnlyTable, match="cannot have a foreign key"):
        await plugins.do_with_engine(lambda engine: refers.create(engine))

    assert [row["number"] for row in await workshop.rows("builds")] == [1]


async def test_what_fails_is_rolled_back_and_raised(workshop: Workshop) -> None:
    plugins = workshop.store.plugins
    notes = _own_table(workshop)
    await plugins.do_with_engine(lambda engine: notes.create(engine))

    def twice(connection: Connection) -> None:
        for _ in range(2):
            connection.execute(notes.insert().values(id=1))

    with pytest.raises(IntegrityError):
        await plugins.do(twice)
    with pytest.raises(ZeroDivisionError):
        await plugins.do(
            lambda connection: connection.execute(notes.insert().values(id=2)) and 1 / 0
        )

    def explicit(connection: Connection) -> None:
        with connection.begin():
            connection.execute(notes.insert().values(id=3))

    await plugins.do(explicit)
    assert await plugins.do(lambda c: c.execute(select(notes.c.id)).scalars().all()) == [3]


async def test_plug_ins_do_not_hold_up_the_masters_own_writing(workshop: Workshop) -> None:
    plugins = workshop.store.plugins
    notes = _own_table(workshop)
    await plugins.do_with_engine(lambda engine: notes.create(engine))
    engine = plugins.engine

    with engine.connect() as connection:
        connection.execute(notes.insert().values(id=1))
        connection.execute(plugins.metadata.tables["builds"].select()).all()

        build = await workshop.build()  # while a plug-in's transaction is open

    await workshop.recorded()
    assert build.number == 1


async def test_the_tables_can_be_upgraded_while_views_show_them(
    workshop: Workshop, database_url: str, tmp_path: Path
) -> None:
    await workshop.store.plugins.do(lambda connection: None)
    await workshop.store.close()
    engine = writing_engine(resolved(database_url, tmp_path))

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            schema.drop_plugin_views(connection)
        connection.exec_driver_sql("ALTER TABLE builds DROP COLUMN state")
    engine.dispose()
