"""What the how-to guides for authors show works as it is written."""

from __future__ import annotations

import json
from pathlib import Path

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World

_BUILDER = """
c['builders'].append(util.BuilderConfig(name='b', workernames=['local'], factory=factory))
"""
_SERVICES = "c['services'] = []\n"


async def test_functions_decide_what_is_built_first_and_together() -> None:
    one_worker = "c['workers'] = [worker.LocalWorker('local', max_builds=1)]\n"
    text = one_worker + code_of("decide-what-builds-first") + "\nadd('first', blocking('held'))\n"
    async with started(text) as ci:
        held = await ci.force("first")
        long = await ci.force("long")
        topic = [await ci.force("tests", branch="topic") for _ in range(2)]
        main = [await ci.force("tests", branch="main") for _ in range(2)]
        release = await ci.force("tests", branch="release")
        ci.worker("local").let_go("held")
        for request in (held, *topic, *main, release, long):
            await ci.finished(request)

        results = [ci.history.requests[request].result for request in (*topic, *main, long)]
        assert results == [Result.SKIPPED, *[Result.SUCCESS] * 4]
        assert ci.builds_of(release)[-1].number == 1


async def test_change_sources_poll_and_listen(tmp_path: Path) -> None:
    code = code_of("write-a-change-source")
    assert "/var/spool/ci" in code
    (tmp_path / "spool").mkdir()
    told = {"author": "ann", "revision": "1", "branch": "main", "files": [], "comments": ""}
    (tmp_path / "spool" / "one.json").write_text(json.dumps(told))
    async with started(code.replace("/var/spool/ci", str(tmp_path / "spool"))) as ci:
        await ci.sleep(70)
        await ci.until_idle()

        (change,) = await ci.get("changes")
        assert (change["author"], change["project"]) == ("ann", "spool")
        assert ci.last_build("tests").result is Result.SUCCESS
        assert not (tmp_path / "spool" / "one.json").exists()


_ABOUT_STEPS = {
    "b0": "choose-directories-and-find-files",
    "b1": "read-and-write-logs",
    "b2": "pass-values-between-steps",
    "b3": "debug-a-configuration",
    "b4": "run-test-tools",
    "b5": "move-files",
    "b6": "check-types",
}


async def test_steps_of_the_guides_do_what_the_guides_say() -> None:
    text = "".join(
        code_of(guide) + _BUILDER.replace("'b'", f"'{name}'")
        for name, guide in _ABOUT_STEPS.items()
    )
    async with started(text) as ci:
        await _finds_files(ci)
        await _writes_logs(ci)
        await _passes_values(ci)
        await _shows_what_failed(ci)
        build = await ci.build("b6")
        assert build.result is Result.SUCCESS, build.state
        assert "make check" in ci.worker("local").commands


async def _finds_files(ci: World) -> None:
    worker = ci.worker("local")
    worker.on("stat build/config.log", values={"stat": [0o100644]})
    worker.on("stat results", values={"stat": [0o040755]})
    worker.on("glob", values={"files": ["results/a.xml"]})

    build = await ci.build("b0", repository="https://example.org/one.git")

    assert build.result is Result.SUCCESS, build.state
    assert "in dir b0/f69ac970" in await ci.text(build, "test")
    assert ci.step(build, "check results").state == "1 results"
    assert (await ci.properties(build))["HOME"][0] == "/home/worker"


async def _writes_logs(ci: World) -> None:
    times = "one 0.5\ntwo 2.5\nthree 1.0\n"
    ci.worker("local").on("make timed-tests", errors="odd\n", files={"times": times})

    build = await ci.build("b1")

    assert build.result is Result.SUCCESS, build.state
    assert await ci.text(build, "timed", "report") == "hSlowest test\notwo: 2.5 s\n"
    assert await ci.text(build, "timed", "errors") == "odd\n"
    assert "<b>two</b>" in await ci.text(build, "timed", "page")


async def _passes_values(ci: World) -> None:
    ci.worker("local").on("git describe", output="v1.2\n")

    build = await ci.build("b2")

    assert build.result is Result.SUCCESS, build.state
    artifact = (await ci.properties(build))["artifact"]
    assert artifact == [{"name": "app.tar.gz", "revision": "v1.2"}, "tarball"]
    assert "omade app.tar.gz\n" in await ci.text(build, "announce")
    assert "olinux none\n" in await ci.text(build, "interpolate")
    assert ci.step(build, "sum").state == "1 artifacts"
    (url,) = ci.step(build, "tarball").urls
    assert url.name == "download"


async def _shows_what_failed(ci: World) -> None:
    build = await ci.build("b3")

    assert build.result is Result.EXCEPTION
    assert 'this build has no property "text"' in build.state
    text = await ci.text(build, "careful", "err.text")
    assert "in run" in text
    assert "/src/buildbot/" not in text and "/src/chargehand/" not in text
    assert "has properties" in ci.log


async def test_a_service_follows_builds() -> None:
    async with started(_SERVICES + code_of("write-a-service")) as ci:
        await ci.build("tests")
        await ci.sleep(61)

        assert (ci.path / "lamp.txt").read_text() == "tests: success\n"
