"""Jobs of `buildbot try --connect=ssh`: a Try_Jobdir builds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from written import started

from chargehand.cli.try_server import tryserver
from chargehand.scheduling.try_job import BadJob, read_job
from chargehand.testing.world import World

_PATCH = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2 \u00f6\n"
_TEXT = """
add('one', sh('one')); add('two', sh('two')); add('other', sh('other'))
c['schedulers'].append(schedulers.Try_Jobdir(
    'try', ['one', 'two'], jobdir='jobs', properties={'own': 'mine'}))
"""


def _net(*parts: str | bytes) -> bytes:
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(b"%d:%s," % (len(part), part) for part in raw)


def _job(**changed: Any) -> bytes:
    """Return what Buildbot's client writes."""
    job = {
        "jobid": "J",
        "branch": "master",
        "baserev": "abc",
        "patch_level": 1,
        "repository": "r",
        "project": "p",
        "who": "ann",
        "comment": "why",
        "builderNames": ["one"],
        "properties": {"k": "v", "own": "no"},
        "patch_body": _PATCH,
    }
    return _net("5", json.dumps(job | changed))


async def _until(ci: World, look: Callable[[], bool]) -> None:
    async def looked() -> bool:
        return look()

    await ci.until("the jobs are taken", looked)


async def _sent(ci: World, job: bytes) -> None:
    """Send a job as the client does: over SSH, to the command `tryserver`."""
    jobs = Path(ci.path, "jobs")
    done = CliRunner().invoke(tryserver, ["--jobdir", str(jobs)], input=job)
    assert done.exit_code == 0, done.output
    await _until(ci, lambda: not list((jobs / "new").iterdir()))
    await ci.until_idle()


async def test_a_job_of_the_client_is_built_with_its_patch_and_properties(tmp_path: Path) -> None:
    async with started(_TEXT, tmp_path) as ci:
        await _until(ci, Path(ci.path, "jobs", "new").is_dir)
        await _sent(ci, _job())

        (buildset,) = await ci.get("buildsets")
        assert buildset["reason"] == "'try' job by user ann"
        assert buildset["external_idstring"] == "J"
        stamp = buildset["sourcestamps"][0]
        assert (stamp["branch"], stamp["revision"], stamp["project"]) == ("master", "abc", "p")
        assert stamp["patch"]["body"] == _PATCH
        assert (stamp["patch"]["level"], stamp["patch"]["author"]) == (1, "ann")
        found = await ci.properties(ci.last_build("one"))
        assert found["k"] == ["v", "try build"]
        assert found["own"] == ["mine", "Scheduler"]
        assert ci.builds("two") == []


async def test_jobs_choose_among_the_schedulers_builders_and_bad_ones_are_logged(
    tmp_path: Path,
) -> None:
    async with started(_TEXT, tmp_path) as ci:
        await _until(ci, Path(ci.path, "jobs", "new").is_dir)
        for bad in (_job(builderNames=["one", "other"]), b"junk", _job()[:-9]):
            await _sent(ci, bad)
        assert await ci.get("buildsets") == []
        assert "it wants builders that this scheduler does not have: one, other" in ci.log
        assert "it is no list of netstrings" in ci.log
        assert "it is cut off" in ci.log

        await _sent(ci, _job(builderNames=None))

        assert [len(ci.builds(name)) for name in ("one", "two", "other")] == [1, 1, 0]
        assert len(list(Path(ci.path, "jobs", "cur").iterdir())) == 4


_OLD = ["J", "branch", "rev", "1", _PATCH]


@pytest.mark.parametrize(
    ("content", "who", "comment", "project", "builders"),
    [
        (_net("1", *_OLD, "a"), "", "", "", ["a"]),
        (_net("2", *_OLD, "repo", "p", "a", "b"), "", "", "p", ["a", "b"]),
        (_net("3", *_OLD, "repo", "p", "ann"), "ann", "", "p", []),
        (_net("4", *_OLD, "repo", "p", "ann", "why", "a"), "ann", "why", "p", ["a"]),
    ],
)
def test_jobs_of_older_clients_are_read(
    content: bytes, who: str, comment: str, project: str, builders: list[str]
) -> None:
    job = read_job(content)

    assert job.stamp.patch is not None
    assert (job.who, job.stamp.patch.comment, job.stamp.project) == (who, comment, project)
    assert list(job.builder_names) == builders
    assert (job.stamp.branch, job.stamp.revision, job.stamp.patch.level) == ("branch", "rev", 1)


def test_a_patch_may_be_in_base64_and_empty_fields_are_none() -> None:
    job = read_job(_net("6", '{"jobid": "J", "branch": "", "patch_body_base64": "/wA="}'))

    assert job.stamp.patch is not None
    assert job.stamp.patch.body == b"\xff\x00"
    assert (job.stamp.branch, job.reason) == (None, "'try' job")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (_net("7", "{}"), "known are 1 to 6"),
        (_net("5", "[]"), "makes no sense"),
        (_net("5", "{bad"), "makes no sense"),
        (_net("5", b'{"jobid": "\xff"}'), "makes no sense"),
        (_net("6", '{"jobid": "J", "patch_body_base64": "?"}'), "patch_body_base64"),
        (_net("5", "{}", "{}"), "one part"),
        (_net("1", "J"), "or more, not 1"),
        (b"99999999999999:x,", "no length"),
    ],
)
def test_what_is_no_job_is_told(content: bytes, told: str) -> None:
    with pytest.raises(BadJob, match=told):
        read_job(content)
