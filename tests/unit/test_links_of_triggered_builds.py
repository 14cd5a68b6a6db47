"""The links of a ``Trigger`` step to the builds that it started."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

from buildbot.steps.triggering import BuildLinks


class Shown:
    """What is shown of a step."""

    def __init__(self) -> None:
        self.links: dict[str, str] = {}

    def add_url(self, name: str, url: str, replaces: str | None = None) -> None:
        self.links.pop(replaces or "", None)
        self.links[name] = url


async def test_a_row_that_was_read_before_a_build_ended_does_not_undo_the_news_of_its_end() -> None:
    running = {"buildid": 7, "number": 1, "builderid": 3, "buildrequestid": 5, "results": None}
    heard: list[Any] = []
    read: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
    step, shown = Mock(), Shown()
    step._engine_runtime = shown
    step.master.config.buildbotURL = "http://ci/"
    step.master.botmaster.getBuilderById.return_value.name = "child"
    step.master.mq.startConsuming = lambda callback, _: heard.append(callback)
    step.master.data.get = lambda *_, **__: read

    links = BuildLinks(step)
    await links.listen()
    links.add_requests("all", [5])
    reading = asyncio.ensure_future(links.add_builds())
    await asyncio.sleep(0)
    heard[0](("builds", "7", "finished"), {**running, "results": 2})
    read.set_result([running])
    await reading

    assert list(shown.links) == ["all #5", "failure: child #1"]
