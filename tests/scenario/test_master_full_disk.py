"""A disk that is full: steps say so, the master lives, and goes on when there is room again."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed_master import EXCEPTION, FAILURE, SUCCESS, InstalledMaster, is_alive
from waiting import eventually

_NOISE = """
    add('noisy', sh('head -c 12000000 /dev/urandom | base64', name='noise'),
        sh('echo after', name='after'))
    add('b', sh('echo fine', name='one'))
    """


@pytest.fixture
def master(small_disk: Path) -> Iterator[InstalledMaster]:
    """A master on a small disk, 2 MB of which are taken by a file named ballast."""
    installed = InstalledMaster(small_disk / "master")
    installed.file("ballast").write_bytes(b"\0" * 2_000_000)
    yield installed
    installed.end()


def _fill(master: InstalledMaster) -> None:
    with pytest.raises(OSError, match="No space"), master.file("more").open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()


def _make_room(master: InstalledMaster) -> None:
    master.file("ballast").unlink()


def test_a_full_disk_ends_the_step_and_with_room_again_the_master_builds(
    master: InstalledMaster,
):
    master.write(_NOISE)
    master.start()
    assert master.build("b")["results"] == SUCCESS
    request_id = master.force("noisy")

    eventually("the fault", lambda: "No space left" in master.log or "is full" in master.log)
    assert master.is_running
    _make_room(master)
    request = master.completed(request_id)

    assert request["results"] == EXCEPTION
    (build,) = master.builds_of(request_id)
    noise, *others = master.steps(build)
    assert noise["results"] == EXCEPTION
    assert "No space left on device" in noise["state_string"]
    assert others == []
    log = master.logs(build, "noise")["stdio"]
    assert log["complete"]
    assert len(master.lines(build, "noise")) == log["num_lines"]
    assert master.output(master.build("b"), "one") == ["fine"]
    assert not master.worker_processes().keys() - set(master.agents())


@pytest.mark.slow
def test_a_full_disk_does_not_keep_the_master_from_stopping(master: InstalledMaster):
    master.write("add('b', blocking('slow'))")
    master.start()
    request_id = master.force("b")
    master.wait_for_file("slow.running")
    _fill(master)

    master.signal(signal.SIGTERM)
    master.wait_for_end()
    assert not master.worker_processes()
    master.file("more").unlink()
    _make_room(master)
    master.let_go("slow")
    master.start()

    assert master.completed(request_id)["results"] == SUCCESS
    assert not master.get("builds?complete=false")


def test_a_start_on_a_full_disk_is_refused(master: InstalledMaster):
    master.write("add('b', sh('true'))")
    _fill(master)

    ran = master.try_start()

    assert ran.status == 1
    assert f"cannot write in {master.path}: No space left on device" in ran.err
    assert not master.is_running
    _make_room(master)
    master.start()
    assert master.build("b")["results"] == SUCCESS


def test_what_is_forced_while_the_disk_is_full_is_refused_or_built(master: InstalledMaster):
    master.write(_NOISE)
    master.start()
    master.connected()
    _fill(master)
    accepted, refused = [], []
    for _ in range(300):
        try:
            accepted.append(master.force("b"))
        except OSError as error:
            raise AssertionError("the master does not answer") from error
        except Exception as error:  # noqa: BLE001 - what it says is looked at
            refused.append(str(error))
            if len(refused) == 3:
                break

    master.file("more").unlink()
    _make_room(master)

    assert all("the database is unavailable" in text for text in refused), refused
    assert [master.completed(request)["results"] for request in accepted] == [SUCCESS] * len(
        accepted
    )
    assert master.build("b")["results"] == SUCCESS
    assert not master.get("builds?complete=false")


def test_a_log_that_may_not_grow_ends_its_step(tmp_path: Path):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (7_000_000, 7_000_000))

    master = InstalledMaster(tmp_path / "master", limit=limit)
    master.write(_NOISE)
    try:
        master.start()
        build = master.build("noisy")

        (noise,) = master.steps(build)
        assert (build["results"], noise["results"]) == (EXCEPTION, EXCEPTION)
        assert "File too large; the log ends here" in noise["state_string"]
        assert master.logs(build, "noise")["stdio"]["complete"]
        assert master.build("b")["results"] == SUCCESS
    finally:
        master.end()


@pytest.mark.slow
def test_a_build_waits_for_room_to_be_recorded(master: InstalledMaster):
    master.write("add('b', blocking('slow'), sh('echo after', name='after'))")
    master.start()
    request_id = master.force("b")
    process = int(master.wait_for_file("slow.running"))
    _fill(master)
    os.kill(process, signal.SIGTERM)
    eventually("the end of the command", lambda: not is_alive(process))

    master.file("more").unlink()
    request = master.completed(request_id)

    (build,) = master.builds_of(request_id)
    assert request["results"] in (FAILURE, EXCEPTION)
    assert build["complete"]
    assert all(step["complete"] for step in master.steps(build))
