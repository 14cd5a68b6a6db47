"""A change that builds nothing says why, and one that builds says what it became."""

from __future__ import annotations

import pytest
from written import started

from chargehand.testing.world import World

CONFIGURATION = """
    important = lambda change: change.files != ['README']
    c['schedulers'] = [
        schedulers.SingleBranchScheduler(name='main', builderNames=['b'],
            change_filter=util.ChangeFilter(branch=['main', 'dev'], project_re='^web'),
            fileIsImportant=important),
        schedulers.SingleBranchScheduler(name='timer', builderNames=['b'], treeStableTimer=60,
            change_filter=util.ChangeFilter(branch='stable'), fileIsImportant=important),
        schedulers.AnyBranchScheduler(name='function', builderNames=['b'],
            change_filter=util.ChangeFilter(filter_fn=lambda change: False)),
        schedulers.AnyBranchScheduler(name='category', builderNames=['b'],
            change_filter=util.ChangeFilter(category_fn=lambda category: category == 'c')),
        schedulers.AnyBranchScheduler(name='property', builderNames=['b'], onlyImportant=True,
            change_filter=util.ChangeFilter(property_eq={'p': 'q'}), fileIsImportant=important),
    ]
    add('b', sh('true'))
    """


async def why(ci: World, **change: object) -> dict[object, str]:
    await ci.push(**change)  # type: ignore[arg-type]
    await ci.settle()
    newest = (await ci.get("changes?order=-changeid"))[0]["changeid"]
    rows = await ci.get(f"changes/{newest}/why")
    return {row["details"]["scheduler"]: str(row["sentence"]) for row in rows}  # type: ignore


async def test_each_scheduler_says_which_part_of_its_filter_said_no() -> None:
    async with started(CONFIGURATION) as ci:
        said = await why(ci, branch="mian", project="web", revision="1", files=["a"])

        assert said == {
            "category": 'scheduler "category" does not want it: '
            "its filter's function for the category rejected it",
            "function": 'scheduler "function" does not want it: the filter\'s function rejected it',
            "main": 'scheduler "main" does not want it: its branch is "mian", not "main" or "dev"',
            "property": 'scheduler "property" does not want it: it has no property p, not "q"',
            "timer": 'scheduler "timer" does not want it: its branch is "mian", not "stable"',
        }


async def test_a_change_waits_for_its_tree_to_be_stable_and_then_is_built() -> None:
    async with started(CONFIGURATION) as ci:
        unimportant = await why(ci, branch="stable", revision="1", files=["README"])
        assert unimportant["timer"].endswith("(fileIsImportant)")
        said = await why(ci, branch="stable", revision="2", files=["a"])
        assert said["timer"] == 'scheduler "timer" waits 60 s more for the tree to be stable'
        await ci.sleep(18)
        (row,) = [row for row in await ci.get("changes/1/why") if "stable" in str(row["sentence"])
                  and row["kind"] == "waits_for_stable_tree"]  # fmt: skip
        assert row["details"] == {"scheduler": "timer", "seconds": 42}

        await ci.sleep(60)
        await ci.until_idle()

        for change in (1, 2):
            rows = {row["kind"]: row for row in await ci.get(f"changes/{change}/why")}
            assert rows["built"]["sentence"] == 'scheduler "timer" made buildset 1 of it'
            assert rows["built"]["details"] == {"scheduler": "timer", "buildsetids": [1]}


@pytest.mark.parametrize("important", [True, False])
async def test_what_is_not_important_is_not_built(important: bool) -> None:
    async with started(CONFIGURATION) as ci:
        files = ["a"] if important else ["README"]
        said = await why(
            ci,
            branch="main",
            revision="1",
            project="website",
            files=files,
            properties={"p": ("q", "Change")},
        )

        no = "does not build it: it is not important (fileIsImportant)"
        assert (no in said["main"], no in said["property"]) == (not important, not important)


async def test_a_farm_without_schedulers_for_changes_says_so() -> None:
    async with started("add('b', sh('true'))") as ci:
        await ci.push(branch="main", revision="1")

        (row,) = await ci.get("changes/1/why")

        assert row["kind"] == "no_scheduler"


async def test_pages_show_which_schedulers_wait_for_a_stable_tree_and_until_when() -> None:
    async with started(CONFIGURATION) as ci:
        await ci.push(branch="stable", revision="1", files=["README"])
        await ci.settle()
        assert (
            "waits for an important change: this one is not important (fileIsImportant)"
            in await page(ci, "changes")
        )
        for number in range(2, 8):
            await ci.push(branch="stable", revision=str(number), files=["a"])
        await ci.sleep(18)
        pages = [await page(ci, path) for path in ("", "changes")]
        await ci.sleep(43)
        later = [await page(ci, path) for path in ("", "changes")]

    for text in pages:
        assert "waits 42 s more, until " in text
        assert "for the tree to be stable" in text
        assert 'href="changes/7"' in text
        assert "and 2 more" in text
    assert [text for text in later if "waits" in text] == []


async def page(ci: World, path: str) -> str:
    return (await ci.fetch(f"plain/{path}")).decode()
