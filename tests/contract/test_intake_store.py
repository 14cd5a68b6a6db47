"""What intake needs of a store: the real one, and the one in memory that tests use."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from store_workshop import Workshop

from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import MasterId
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.intake.ports import ChangeSourceStore, ChangeStore, StateStore
from chargehand.store.engine.tables import change_sources
from chargehand.testing.intake import (
    MemoryChangeSourceStore,
    MemoryChangeStore,
    MemoryStateStore,
)


def _mark(value: Any) -> Remembered:
    return Remembered(name="repo", kind="GitPoller", key="lastRev", value=value)


class Contract:
    """What every store of changes does."""

    async def test_changes_and_the_sources_mark_are_stored_together(
        self, stores: tuple[ChangeStore, StateStore]
    ) -> None:
        changes, state = stores
        new = [NewChange(author="a", revision="1"), NewChange(author="b", revision="2")]

        added = await changes.add(new, _mark({"refs/heads/ä": "2"}))

        assert [change.author for change in added] == ["a", "b"]
        assert added[0].id < added[1].id
        assert await state.get("repo", "GitPoller", "lastRev") == {"refs/heads/ä": "2"}

    async def test_a_mark_may_move_without_changes(
        self, stores: tuple[ChangeStore, StateStore]
    ) -> None:
        changes, state = stores

        assert await changes.add([], _mark({"a": "1"})) == []
        assert await changes.add([], _mark({"b": "2"})) == []

        assert await state.get("repo", "GitPoller", "lastRev") == {"b": "2"}

    async def test_nothing_is_stored_when_anything_is_wrong(
        self, stores: tuple[ChangeStore, StateStore]
    ) -> None:
        changes, state = stores

        with pytest.raises(TypeError):
            await changes.add([NewChange(author="a")], _mark(object()))

        assert await state.get("repo", "GitPoller", "lastRev", "none") == "none"
        [added] = await changes.add([NewChange(author="b")])
        assert added.id == 1


class TestMemory(Contract):
    @pytest.fixture
    def stores(self) -> tuple[ChangeStore, StateStore]:
        state = MemoryStateStore()
        return MemoryChangeStore(state), state


class TestDatabase(Contract):
    @pytest.fixture
    def stores(self, workshop: Workshop) -> tuple[ChangeStore, StateStore]:
        return workshop.store.changes, workshop.store.state


Sources = tuple[ChangeSourceStore, MasterId, MasterId]


@pytest.fixture
async def sources(real: Workshop | None) -> Sources:
    if real is None:
        return MemoryChangeSourceStore(), MasterId(1), MasterId(2)
    return real.store.change_sources, real.master_id, await real.store.masters.start("n")


async def test_a_source_keeps_its_identifier(sources: Sources) -> None:
    store, _, _ = sources
    first = await store.ids(["a", "b"])

    second = await store.ids(["b", "c"])

    assert second["b"] == first["b"]
    assert len({*first.values(), *second.values()}) == 3


async def test_one_master_has_a_source_until_it_gives_it_up(sources: Sources) -> None:
    store, first, second = sources
    ids = await store.ids(["a", "b"])

    assert await store.activate([ids["a"]], first) == {ids["a"]}
    assert await store.activate(list(ids.values()), second) == {ids["b"]}
    assert await store.activate(list(ids.values()), first) == {ids["a"]}
    await store.deactivate(first)

    assert await store.activate(list(ids.values()), second) == set(ids.values())


async def test_a_source_has_the_state_that_was_reported_last_since_it_became_that(
    workshop: Workshop,
) -> None:
    store = workshop.store.change_sources
    source_id = (await store.ids(["a"]))["a"]

    async def shown() -> tuple[Any, ...]:
        query = select(change_sources.c.state, change_sources.c.state_string)
        query = query.add_columns(change_sources.c.state_since)
        return tuple(await workshop.store.database.read(lambda c: c.execute(query).one()))

    seen = [await shown()]
    for state, sentence in [("failing", "a"), ("failing", "b"), ("ok", None)]:
        await store.report(source_id, SourceHealth(state=SourceState(state), sentence=sentence))
        seen.append(await shown())

    assert [(state, sentence) for state, sentence, _ in seen] == [
        ("starting", None),
        ("failing", "a"),
        ("failing", "b"),
        ("ok", None),
    ]
    assert seen[0][2] is None
    assert None not in (seen[1][2], seen[3][2]) and seen[1][2] == seen[2][2]
