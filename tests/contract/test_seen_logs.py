"""Finding a log again without asking the store: only while the answer would be the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store_workshop import Workshop, builder_config, opened, segment

from chargehand.domain.build import Log, LogType
from chargehand.resources.query import Page, Query
from chargehand.resources.visibility import EVERYTHING, Visibility, all_but
from chargehand.store.logs.text import DELETED_TEXT
from chargehand.web.access.logs import SeenLogs

_WITHOUT_B1 = Visibility(builders=all_but("b1"))
_WITHOUT_SECRET = Visibility(tags=all_but("secret"))


class _Counting:
    """The store's resources; counts the questions."""

    def __init__(self, resources: Any) -> None:
        self._resources = resources
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resources, name)

    async def fetch(self, query: Query) -> Page:
        self.asked += 1
        page: Page = await self._resources.fetch(query)
        return page


async def _finished(workshop: Workshop, text: bytes = b"oone\notwo\n") -> Log:
    step = await workshop.step(await workshop.build())
    log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
    await workshop.store.logs.append(log.id, segment(text))
    log = await workshop.store.logs.finish(log.id)
    await workshop.recorded()
    return log


def _seen(workshop: Workshop) -> tuple[SeenLogs, _Counting]:
    counting = _Counting(workshop.store.visited_resources)
    return SeenLogs(resources=counting, logs=workshop.store.logs), counting


async def test_a_log_is_asked_for_once_while_nothing_is_written(workshop: Workshop) -> None:
    log = await _finished(workshop)
    seen, counting = _seen(workshop)

    for first, line in ((0, b"oone\n"), (1, b"otwo\n"), (2, b"")):
        found = await seen.find(EVERYTHING, {"logid": log.id})
        assert found is not None
        assert await found.lines(first, 1) == line

    assert counting.asked == 1


async def test_one_visitor_s_answer_is_not_another_s(workshop: Workshop) -> None:
    log = await _finished(workshop)
    seen, _ = _seen(workshop)

    for _ in range(2):
        assert await seen.find(EVERYTHING, {"logid": log.id}) is not None
        assert await seen.find(_WITHOUT_B1, {"logid": log.id}) is None
        assert await seen.find(EVERYTHING, {"logid": log.id + 1}) is None
        by_path = {"stepid": log.step_id, "log_slug": "stdio"}
        assert await seen.find(EVERYTHING, by_path) is not None
        assert await seen.find(EVERYTHING, by_path | {"log_slug": "other"}) is None


async def test_a_log_that_is_hidden_meanwhile_is_not_found(workshop: Workshop) -> None:
    log = await _finished(workshop)
    seen, _ = _seen(workshop)
    assert await seen.find(_WITHOUT_SECRET, {"logid": log.id}) is not None

    configs = [builder_config("b1", tags=("secret",)), builder_config("b2")]
    await workshop.store.builders.sync(configs, workshop.master_id)

    assert await seen.find(_WITHOUT_SECRET, {"logid": log.id}) is None
    assert await seen.find(EVERYTHING, {"logid": log.id}) is not None


async def test_a_growing_log_has_the_lines_that_were_announced(workshop: Workshop) -> None:
    step = await workshop.step(await workshop.build())
    log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
    seen, _ = _seen(workshop)

    for count in range(1, 4):
        await workshop.store.logs.append(log.id, segment(b"oline\n" * 2000))
        found = await seen.find(EVERYTHING, {"logid": log.id})
        assert found is not None
        assert found.row["num_lines"] == count * 2000
        assert not found.row["complete"]


async def test_a_deleted_text_is_not_shown_again(workshop: Workshop) -> None:
    log = await _finished(workshop, b"".join(b"o%060d\n" % (n**9) for n in range(2000)))
    seen, _ = _seen(workshop)
    found = await seen.find(EVERYTHING, {"logid": log.id})
    assert found is not None
    assert await found.lines(1999, 1) == b"o%060d\n" % 1999**9

    await workshop.store.logs.delete_texts([log.id])

    found = await seen.find(EVERYTHING, {"logid": log.id})
    assert found is not None
    assert (found.row["type"], found.row["num_lines"]) == ("d", 1)
    assert await found.lines(0, 5) == DELETED_TEXT


async def test_with_other_masters_nothing_is_kept(tmp_path: Path) -> None:
    async with opened("sqlite:///shared.sqlite", tmp_path, is_shared=True) as workshop:
        log = await _finished(workshop)
        seen, counting = _seen(workshop)

        for _ in range(2):
            assert await seen.find(EVERYTHING, {"logid": log.id}) is not None

        assert counting.asked == 2
