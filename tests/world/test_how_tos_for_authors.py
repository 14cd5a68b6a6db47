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
    "b7": "run-commands-in-a-step",
    "b8": "show-progress",
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
        await _packs(ci)
        await _shows_progress(ci)
        await _tells_of_tests(ci)


async def _tells_of_tests(ci: World) -> None:
    output = "ok 1 - starts\nnot ok 2 - stops\n"
    ci.worker("local").on("prove --formatter TAP::Formatter::File -v t", output=output)

    build = await ci.build("b4")

    sets = await ci.get(f"builds/{build.id}/test_result_sets")
    (found,) = [one for one in sets if one["category"] == "pass_fail"]
    assert (found["tests_passed"], found["tests_failed"]) == (1, 1)
    results = await ci.get(f"test_result_sets/{found['test_result_setid']}/results")
    assert [(one["test_name"], one["value"]) for one in results] == [
        ("starts", "1"),
        ("stops", "0"),
    ]


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


async def _packs(ci: World) -> None:
    worker = ci.worker("local")
    worker.on("make dist", output="a.whl b.whl\n")
    worker.on("stat build/VERSION", values={"stat": [0o100644]})
    worker.on("uploadFile build/VERSION", values={"content": b"1.2\n"})
    worker.on("listdir build/dist", values={"files": ["FILES", "a.whl"]})
    worker.on("sign --version 1.2", rc=3, output="signed with an old key\n")

    build = await ci.build("b7")

    assert ci.step(build, "package").result is Result.WARNINGS, build.state
    assert ci.step(build, "package").state == "2 files, version 1.2 (warnings)"
    assert "osigned with an old key\n" in await ci.text(build, "package", "sign")
    assert (await ci.properties(build))["packages"][0] == ["FILES", "a.whl"]


async def _shows_progress(ci: World) -> None:
    ci.worker("local").on("ninja", output="[1/3] a\n[3/3] b\n")
    succeeded = await ci.build("b8")
    ci.worker("local").on("ninja", output="[1/3] a\n[2/3] b\n", hangs=True)
    request = await ci.force("b8")
    await ci.sleep(5)

    (build,) = ci.builds_of(request)
    assert ci.step(succeeded, "ninja").state == "3 files"
    assert ci.step(build, "ninja").state == "2 of 3 files"
    assert await ci.get(f"builds/{build.id}/etas") != []
    ci.worker("local").on("ninja", rc=1, output="[1/3] a\n")
    ci.worker("local").let_go("ninja")
    await ci.finished(request)
    build = await ci.build("b8")
    assert (ci.step(build, "ninja").state, build.state) == (
        "1 files (failure)",
        "failed: ninja after 1 files",
    )


async def test_builders_are_made_in_a_loop_and_values_are_asked_for() -> None:
    text = code_of("configure-builders-in-a-loop")
    asked = code_of("ask-for-values").replace("'local'", "'arm-1'")
    async with started(text + asked) as ci:
        await ci.push(branch="main")
        await ci.sleep(11)
        await ci.until_idle()
        request = await ci.force(
            "deploy", "deploy", reason="hotfix", release="2.0", branch="stable", options_hosts=3
        )
        await ci.finished(request)

        names = {"linux-gcc", "linux-clang", "arm-gcc", "arm-clang"}
        results = [ci.last_build(name).result for name in names]
        assert results == [Result.SUCCESS] * 4
        sanitized = [step.name for step in ci.steps(ci.last_build("linux-gcc"))]
        assert "sanitize" in sanitized
        (command,) = [one for one in ci.worker("arm-1").commands if "deploy" in one]
        assert command.startswith("./deploy 2.0 --hosts=3")
        (built,) = ci.builds_of(request)
        assert "docs" in {builder["name"] for builder in await ci.get("builders")}
        assert built.result is Result.SUCCESS, built.state


async def test_a_service_follows_builds() -> None:
    async with started(_SERVICES + code_of("write-a-service")) as ci:
        await ci.build("tests")
        await ci.sleep(61)

        assert (ci.path / "lamp.txt").read_text() == "tests: success\n"
