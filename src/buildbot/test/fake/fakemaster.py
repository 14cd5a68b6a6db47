"""Making a master for tests of services."""

from __future__ import annotations

from typing import Any

from buildbot.test.fake_master import FakeMaster

__all__ = ["FakeMaster", "make_master"]


def make_master(
    testcase: Any = None,
    wantMq: bool = False,
    wantDb: bool = False,
    wantData: bool = False,
    wantRealReactor: bool = False,
    wantGraphql: bool = False,
    with_secrets: dict[str, str] | None = None,
    url: str | None = None,
    **_: Any,
) -> FakeMaster:
    """Return a master, which can be awaited, and yielded in ``inlineCallbacks``, too.

    ``data``, ``db`` and ``mq`` are always there.
    """
    master = FakeMaster(getattr(testcase, "reactor", None))
    if url is not None:
        master.config.buildbotURL = url
    if with_secrets is not None:
        master.provide(with_secrets)
    return master
