"""Texts and values of users' steps that cannot be stored as they are."""

from __future__ import annotations

import pytest
from written import started

from chargehand.domain.result import Result

_ODD = r"""
ODD = 'a\udcff\0b'

class Says(steps.BuildStep):
    async def run(self):
        log = await self.addLog(ODD)
        log.addStdout(ODD + '\n')
        await self.addCompleteLog(ODD + '2', ODD)
        await self.addHTMLLog(ODD + '3', ODD)
        await self.addURL(ODD, 'http://host/' + ODD)
        self.setProperty(ODD, ODD, ODD)
        return util.SUCCESS

    def getCurrentSummary(self):
        return {'step': ODD}

    def getResultSummary(self):
        return {'step': ODD, 'build': ODD}

class Sets(steps.BuildStep):
    def __init__(self, value, **more):
        self.value = value
        super().__init__(**more)

    def run(self):
        self.setProperty('p', self.value, 'test')
        return util.SUCCESS

endless = []
endless.append(endless)
add('says', Says(name=ODD))
for name, value in (('object', object()), ('nan', float('nan')), ('key', {(1,): 2}),
                    ('endless', endless), ('long', 10 ** 40)):
    add(name, Sets(value))
"""


async def test_texts_that_cannot_be_stored_are_stored_otherwise() -> None:
    async with started(_ODD) as ci:
        build = await ci.build("says")

        [step] = await ci.get(f"builds/{build.id}/steps?name__ne=worker_preparation")
        assert (build.result, step["results"]) == (Result.SUCCESS, Result.SUCCESS)
        shown = "a\ufffd\ufffdb"
        assert step["urls"] == [{"name": shown, "url": f"http://host/{shown}"}]
        logs = [log["name"] for log in await ci.get(f"steps/{step['stepid']}/logs")]
        assert logs == [shown, f"{shown}2", f"{shown}3"]
        assert shown in build.state


@pytest.mark.parametrize("name", ["object", "nan", "key", "endless", "long"])
async def test_a_property_that_cannot_be_stored_is_named(name: str) -> None:
    async with started(_ODD) as ci:
        build = await ci.build(name)

        assert build.result is Result.EXCEPTION
        assert 'property "p" cannot be stored: ' in build.state
