"""What a few words find, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest
from store_workshop import Workshop, builder_config

from chargehand.config.model import ProjectConfig
from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING, Visibility, only


@pytest.fixture
async def filled(workshop: Workshop) -> Workshop:
    store = workshop.store
    await store.projects.sync([ProjectConfig(name="linux kernel", slug="k")])
    configs = [
        builder_config("linux-x86", tags=("nightly",)),
        builder_config("linux-arm", tags=("fast", "nightly")),
        builder_config("mac"),
        builder_config("b1"),
    ]
    workshop.builder_ids = await store.builders.sync(configs, workshop.master_id)
    ids = list(workshop.builder_ids.values())
    await store.workers.sync({"w1": ids, "linux-worker": ids}, workshop.master_id)
    await store.changes.add(
        [
            NewChange(author="Ann <ann@x.org>", revision="3f2a91c0", comments="Fix Linux boot\nx"),
            NewChange(author="Bob", revision="77aa", comments="see https://u:geheim@x.org/ok"),
        ]
    )
    for name in ("linux-x86", "mac"):
        build = await workshop.build(name)
        await store.builds.finish_build(build, Result.FAILURE, "failed", [build.request_id])
    return workshop


async def _found(workshop: Workshop, text: str, **options: Any) -> list[tuple[str, str]]:
    sees = options.pop("sees", EVERYTHING)
    query = Query(kind="search", sees=sees, arguments={"q": text}, **options)
    rows = (await workshop.store.visited_resources.fetch(query)).rows
    return [(row["kind"], row["path"]) for row in rows]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("x86", ["linux-x86"]),
        ("LINUX arm", ["linux-arm"]),
        ("nightly", ["linux-arm", "linux-x86"]),
        ("linux #1", ["linux-x86 #1"]),
        ("mac#1", ["mac #1"]),
        ("#1", ["mac #1", "linux-x86 #1"]),
        ("#2", []),
        ("3f2a", ["Fix Linux boot"]),
        ("3f", []),
        ("ann boot", ["Fix Linux boot"]),
        ("bob", ["see https://u:***@x.org/ok"]),
        ("geheim", []),
        ("worker", ["linux-worker"]),
        ("kernel", ["linux kernel"]),
        ("100% _", []),
        ("   ", []),
    ],
)
async def test_words_find(filled: Workshop, text: str, titles: list[str]) -> None:
    query = Query(kind="search", sees=EVERYTHING, arguments={"q": text})
    rows = (await filled.store.visited_resources.fetch(query)).rows

    assert [row["title"] for row in rows] == titles
    assert not any("geheim" in str(row) for row in rows)


async def test_each_kind_has_its_share(filled: Workshop) -> None:
    every = await _found(filled, "linux")
    few = await _found(filled, "linux", limit=3)

    assert [kind for kind, _ in every] == ["builder", "builder", "worker", "project", "change"]
    assert [kind for kind, _ in few] == ["builder", "worker", "project"]


async def test_paths_are_those_of_the_web_ui(filled: Workshop) -> None:
    builder = filled.builder_ids["linux-x86"]

    assert await _found(filled, "x86 #1") == [("build", f"/builders/{builder}/builds/1")]
    assert await _found(filled, "x86") == [("builder", f"/builders/{builder}")]
    assert await _found(filled, "3f2a91c0") == [("change", "/changes/1")]


async def test_what_is_hidden_is_not_found(filled: Workshop) -> None:
    sees = Visibility(builders=only("mac"), workers=only())

    assert [kind for kind, _ in await _found(filled, "linux", sees=sees)] == ["project", "change"]
    assert len(await _found(filled, "#1", sees=sees)) == 1
