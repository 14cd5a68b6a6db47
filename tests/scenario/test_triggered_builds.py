"""A build that waits for others, with a real master, real processes and a kill."""

from __future__ import annotations

import pytest
from installed_master import CANCELLED, RETRY, SUCCESS, InstalledMaster
from waiting import eventually

_TEXT = """
    c['workers'] = [worker.LocalWorker('local', max_builds=3)]
    add('child', blocking('child'))
    add('parent', sh('echo before', name='before'),
        steps.Trigger(schedulerNames=['child'], waitForFinish=True),
        sh('echo after', name='after'))
    c['schedulers'].append(schedulers.Triggerable(name='child', builderNames=['child']))
    """


@pytest.mark.slow
def test_a_waiting_build_outlives_a_kill_of_the_master(master: InstalledMaster) -> None:
    master.write(_TEXT)
    master.start()
    request_id = master.force("parent")
    master.wait_for_file("child.running")
    running = master.running_build(request_id)

    def links() -> list[str]:
        (step,) = [one for one in master.steps(running) if one["name"] == "trigger"]
        return [url["name"] for url in step["urls"] if url["name"] == "child #1"]

    eventually("the link to the build that runs", links)
    master.file("child.running").unlink()

    master.kill()
    master.start()
    master.wait_for_file("child.running")
    master.let_go("child")
    request = master.completed(request_id)

    assert request["results"] == SUCCESS
    assert [build["results"] for build in master.builds_of(request_id)] == [RETRY, SUCCESS]
    children = [row for row in master.get("buildrequests") if row["buildrequestid"] != request_id]
    assert sorted(row["results"] for row in children) == [SUCCESS, CANCELLED]
    assert "which waited for it, was interrupted; its retry triggers it again" in master.log
    (step,) = [
        one for one in master.steps(master.builds_of(request_id)[-1]) if one["name"] == "trigger"
    ]
    assert step["state_string"] == "triggered child (success)"
    assert [url["name"] for url in step["urls"]][-1] == "success: child #2"
