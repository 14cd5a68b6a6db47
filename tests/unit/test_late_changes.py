"""What a file hands to Buildbot and changes later, and texts that are rendered twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from buildbot._border.rendering import render_value
from buildbot.plugins import schedulers, util
from buildbot.process.properties import Properties


def test_lists_and_dictionaries_are_kept_as_they_are() -> None:
    workers, names, properties = ["a"], ["b"], {"x": 1}
    builder = util.BuilderConfig(
        name="b", workernames=workers, factory=util.BuildFactory(), properties=properties
    )
    scheduler = schedulers.SingleBranchScheduler(
        name="s", change_filter=util.ChangeFilter(branch="main"), builderNames=names
    )

    workers.append("c")
    names.append("d")
    properties["y"] = 2

    assert builder.workernames == ["a", "c"]
    assert builder.properties == {"x": 1, "y": 2}
    assert scheduler.builderNames == ["b", "d"]


@util.renderer
def template(properties: Any) -> str:
    return "%(prop:x)s!"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (util.Interpolate(util.Interpolate("%(prop:x)s")), "1 %(prop:x)s"),
        (util.Interpolate(util.WithProperties("%(x)s")), "1 %(prop:x)s"),
        (util.Interpolate(util.Property("y")), "plain 100%"),
        (util.Interpolate(util.Property("missing", default="none")), "none"),
        (util.Interpolate(template), "1 %(prop:x)s!"),
        (util.Interpolate(util.Property("z"), util.Property("y")), "<plain 100%>"),
    ],
)
def test_a_template_may_be_renderable(value: Any, text: str) -> None:
    properties = Properties(x="1 %(prop:x)s", y="plain 100%", z="<%s>")

    assert asyncio.run(render_value(value, properties)) == text
    assert "Interpolate(" in repr(value)
