"""Pools of database connections that master.cfg makes."""

from __future__ import annotations

from buildbot.plugins import util


async def test_a_pool_equals_one_with_the_same_arguments_and_runs_queries():
    def pool(name: str = ":memory:") -> object:
        return util.EqConnectionPool("sqlite3", name, check_same_thread=False, cp_max=1)

    one = pool()

    assert one == pool()
    assert hash(one) == hash(pool())
    assert one != pool("other.sqlite")
    assert one != object()
    assert one.connkw == {"check_same_thread": False}
