"""Functions for ``mergeRequests``, as configurations of earlier versions have them."""

from __future__ import annotations

import pytest
from written import started

from chargehand.domain.result import Result

_ONE_AT_A_TIME = """
    from twisted.internet import defer
    c['workers'] = [worker.LocalWorker('local', max_builds=1)]
    del c['collapseRequests']
"""
_SAME_BRANCH = """
    def mergeRequests(builder, req1, req2):
        "any requests with the same branch can be merged"
        assert builder.name == 'b'
        return req1.source.branch == req2.source.branch
"""
_SAME_REASON = """
    def mergeRequests(builder, req1, req2):
        if req1.source.canBeMergedWith(req2.source) and req1.reason == req2.reason:
           return True
        return False
"""
_DEFERRED = """
    def getMergeInfo(revision):
        return defer.succeed(revision and revision[0])

    def mergeRequests(builder, req1, req2):
        d = defer.gatherResults([
            getMergeInfo(req1.source.revision),
            getMergeInfo(req2.source.revision)
        ])

        def process(infos):
            return infos[0] == infos[1]

        d.addCallback(process)
        return d
"""

_ALL = [
    {"branch": "m", "revision": "a1", "reason": "x"},
    {"branch": "m", "revision": "a2", "reason": "x"},
    {"branch": "n", "revision": "a1", "reason": "x"},
    {"branch": "n", "revision": "a1", "reason": "y"},
    {"branch": "n", "revision": "a1", "reason": "x"},
]


@pytest.mark.parametrize(
    ("function", "skipped"),
    [
        (_SAME_BRANCH, [0, 2, 3]),
        (_SAME_REASON, [2]),
        (_DEFERRED, [0, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("is_global", [True, False])
async def test_requests_are_merged_as_the_function_says(
    function: str, skipped: list[int], is_global: bool
) -> None:
    where = "c['mergeRequests'] = mergeRequests" if is_global else ""
    argument = "" if is_global else ", mergeRequests=mergeRequests"
    configuration = (
        f"{_ONE_AT_A_TIME}{function}\n    {where}\n    add('b', sh('true'){argument})\n"
        "    add('first', blocking('held'))\n"
    )
    async with started(configuration) as ci:
        await ci.force("first")
        requests = [await ci.force("b", **each) for each in _ALL]
        ci.worker("local").let_go("held")

        results = [(await ci.finished(request)).result for request in requests]

    assert [n for n, result in enumerate(results) if result is Result.SKIPPED] == skipped


async def test_a_function_that_fails_merges_nothing() -> None:
    configuration = f"""{_ONE_AT_A_TIME}
    add('b', sh('true'), mergeRequests=lambda builder, one, other: one.sauce)
    add('first', blocking('held'))
    """
    async with started(configuration) as ci:
        await ci.force("first")
        requests = [await ci.force("b") for _ in range(3)]
        ci.worker("local").let_go("held")

        results = [(await ci.finished(request)).result for request in requests]

    assert results == [Result.SUCCESS] * 3
