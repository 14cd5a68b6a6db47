"""What the configuration in force says of a builder, over REST."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_site import CONFIG, visited

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.model import MasterConfig
from chargehand.kit.values import replace

_CONFIGURATION = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local'), worker.LocalWorker('other')]
DATABASE = util.MasterLock('database', maxCount=3)
DISK = util.WorkerLock('disk')

class Odd(steps.BuildStep):
    def __init__(self, **arguments):
        if BROKEN:
            raise RuntimeError('this step cannot be made')
        super().__init__(**arguments)

BROKEN = []
c['builders'] = [util.BuilderConfig(
    name='quick one',
    workernames=['local', 'other'],
    locks=[DATABASE.access('counting', 2)],
    properties={'level': 3, 'place': util.Interpolate('%(prop:branch)s'), 'at': ['a', {'b': 1}]},
    defaultProperties={'mode': 'fast', 'password': util.Secret('hidden')},
    factory=util.BuildFactory([
        steps.ShellCommand(command=['make'], name='compile', locks=[DISK.access('exclusive')]),
        steps.ShellCommand(command=['test'], name=util.Interpolate('test %(prop:x)s'),
                           doStepIf=lambda step: True),
        Odd(name='odd', doStepIf=False, hideStepIf=True, locks=util.renderer(lambda props: [])),
    ]))]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['quick one'])]
"""


def _read(directory: Path, text: str = _CONFIGURATION) -> MasterConfig:
    file = directory / "master.cfg"
    file.write_text(text)
    return replace(
        CONFIG, builders=Reader(Document(file, directory), EngineAccess()).read().builders
    )


@pytest.mark.parametrize("path", ["/builders/1", "/builders/quick%20one"])
async def test_steps_locks_and_properties_are_shown_in_their_order(tmp_path: Path, path: str):
    async with visited(_read(tmp_path)) as site:
        status, body = await site.get(f"{path}/configuration")

    [row] = body["configured_builders"]
    assert status == 200
    assert (row["name"], row["workers"]) == ("quick one", ["local", "other"])
    database = {"name": "database", "scope": "master", "mode": "counting"}
    assert row["locks"] == [database | {"count": 2, "max_count": 3}]
    disk = {"name": "disk", "scope": "worker", "mode": "exclusive", "count": 1, "max_count": 1}
    plain = {"locks": [], "runs": True, "hidden": False}
    assert row["steps"] == [
        plain | {"name": "compile", "type": "ShellCommand", "locks": [disk]},
        plain | {"name": "ShellCommand", "type": "ShellCommand", "runs": None},
        {"name": "odd", "type": "Odd", "locks": None, "runs": False, "hidden": True},
    ]


async def test_what_each_build_computes_is_not_shown(tmp_path: Path):
    async with visited(_read(tmp_path)) as site:
        [row] = (await site.get("/builders/1/configuration"))[1]["configured_builders"]

    shown = {one["name"]: (one["value"], one["is_computed"]) for one in row["properties"]}
    assert shown == {
        "at": (["a", {"b": 1}], False),
        "level": (3, False),
        "place": (None, True),
        "mode": ("fast", False),
        "password": (None, True),
    }
    assert [one["name"] for one in row["properties"] if one["is_default"]] == ["mode", "password"]


async def test_steps_that_cannot_be_made_hide_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    config = _read(tmp_path, _CONFIGURATION + "BROKEN.append(1)\n")
    async with visited(config) as site:
        status, body = await site.get("/builders/1/configuration")

    [row] = body["configured_builders"]
    assert (status, row["steps"]) == (200, None)
    assert row["locks"][0]["name"] == "database"
    assert "cannot show the steps of builder quick one" in caplog.text
    assert "this step cannot be made" in caplog.text


@pytest.mark.parametrize("path", ["/builders/1", "/builders/99", "/builders/nobody"])
async def test_what_is_not_configured_here_has_no_configuration(path: str):
    async with visited() as site:
        assert (await site.get(f"{path}/configuration"))[0] == 404
