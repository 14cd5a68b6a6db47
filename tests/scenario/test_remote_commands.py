"""Commands against a running master, as a person and a script use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from installed_master import InstalledMaster, Ran
from waiting import PATIENCE, eventually

_CONFIGURATION = """
    add('good', sh('echo fine', name='one'))
    add('bad', sh('echo working; exit 3', name='one', haltOnFailure=True),
        sh('echo never', name='two'))
    add('held', sh('while [ ! -e %s/held.go ]; do sleep 0.02; done' % HERE, name='wait'))
    add('lonely', sh('echo fine'), workernames=['away'])
    c['workers'].append(worker.Worker('away', 'pw'))
    c['change_source'] = [changes.GitPoller('file:///nowhere', name='nowhere', branches=['main'])]
    """


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """One master for the tests of this module, in a directory with a long name."""
    master = InstalledMaster(tmp_path_factory.mktemp("remote") / ("m" * 120) / "master")
    master.write(_CONFIGURATION)
    master.start()
    yield master
    master.stop()
    master.end()


def _run(master: InstalledMaster, *arguments: str) -> Ran:
    return master.chargehand(*arguments)


def _having(ran: Ran, text: str) -> Ran | None:
    return ran if text in ran.out else None


def test_force_follows_a_build_and_ends_with_its_result(shared: InstalledMaster):
    good = _run(shared, "force", "good", "--follow")
    bad = _run(shared, "force", "bad", "--follow", "--quiet")

    assert good.status == 0, good.text
    assert "▶ good #1" in good.out
    assert "fine" in good.out
    assert "✓ good #1: build successful" in good.out
    assert bad.status == 1
    assert "✗ one" in bad.out
    assert "working" not in bad.out


def test_a_name_that_is_nearly_right_is_asked_about(shared: InstalledMaster):
    builder = _run(shared, "force", "godo")
    parameter = _run(shared, "force", "good", "-p", "raeson=x")
    _run(shared, "force", "bad", "-f")
    step = _run(shared, "logs", "bad", "onee")

    assert builder.status == parameter.status == step.status == 1
    assert 'no builder "godo". Did you mean "good"?' in builder.err
    assert 'has no parameter "raeson". Did you mean "reason"?' in parameter.err
    assert 'the build has no step "onee". Did you mean "one"?' in step.err


def test_logs_are_printed_whole_or_as_json(shared: InstalledMaster):
    _run(shared, "force", "bad", "-f")

    text = _run(shared, "logs", "bad", "one")
    raw = _run(shared, "logs", "bad", "one", "--raw")
    lines = [json.loads(line) for line in _run(shared, "logs", "bad", "--json").out.splitlines()]

    assert "working" in text.out
    assert "environment" not in text.out
    assert "working\n" in raw.out
    assert [one["line"] for one in lines if one["channel"] == "o"] == ["working"]
    assert lines[0]["step"] == "one"


def test_what_runs_and_waits_is_shown_with_the_reason(shared: InstalledMaster):
    shared.let_go("held")
    shared.completed(shared.force("held"))  # The next one is expected to be as quick.
    shared.file("held.go").unlink()
    first, second = shared.force("held"), shared.force("held")
    shared.running_build(first)

    shown = eventually("the step", lambda: _having(_run(shared, "status"), "wait, taking"))
    found = json.loads(_run(shared, "status", "--json").out)
    why = _run(shared, "why", f"request:{second}")
    unknown = _run(shared, "why", "request:999")
    listed = _run(shared, "builds", "--running")
    rows = json.loads(_run(shared, "builds", "--running", "--json").out)
    why_running = _run(shared, "why", "held")

    assert "wait, taking longer than usual" in " ".join(listed.out.split())
    assert [eta["progress"] for eta in rows[0]["etas"]] == [
        eta["progress"] for eta in found["etas"]
    ]
    assert f"request:{second} for held: " in why_running.out
    assert "Running on worker local: building, taking longer than usual." in why_running.out
    assert 'Step "wait" is running, taking longer than usual.' in why_running.out
    assert "held#" in shown.out
    assert "wait" in shown.out
    assert "Change source nowhere: git ls-remote failed" in shown.out
    assert [one["name"] for one in found["changesources"]] == ["nowhere"]
    assert f"request:{second}" in shown.out
    assert [one["buildername"] for one in found["waiting"]] == ["held"]
    assert found["waiting"][0]["why"]["sentence"] in " ".join(shown.out.split())
    assert "Waiting: " in why.out
    assert "no request 999" in unknown.err

    cancelled = _run(shared, "cancel", f"request:{second}", "--reason", "not needed")
    stopped = _run(shared, "cancel", "held")
    shared.completed(first)
    shared.completed(second)

    assert cancelled.status == stopped.status == 0
    assert "Cancelling " in stopped.out
    assert "not needed" not in shared.builds_of(first)[0]["state_string"]
    assert "cancelled from the command line" in shared.builds_of(first)[0]["state_string"]


def test_why_of_a_builder_explains_its_first_requests_that_wait(shared: InstalledMaster):
    before = _run(shared, "why", "lonely")
    requests = [shared.force("lonely") for _ in range(5)]

    asked = _run(shared, "why", "lonely")
    rows = json.loads(_run(shared, "why", "lonely", "--json").out)

    for request in requests:
        shared.order(f"buildrequests/{request}", "cancel")
    assert (before.status, asked.status) == (1, 0)
    assert 'builder "lonely" has no builds yet, and no requests wait' in before.err
    assert (
        asked.out.count("Waiting: none of its workers is connected: away (has never connected);")
        == 3
    )
    assert asked.out.endswith("More requests wait; list them with: chargehand status\n")
    assert [one["buildrequestid"] for one in rows["waiting"]] == requests[:3]


def test_why_names_the_step_that_failed(shared: InstalledMaster):
    _run(shared, "force", "bad", "-f", "--reason", "to see it fail")

    by_name = _run(shared, "why", "bad")
    number = json.loads(_run(shared, "builds", "bad", "--json", "-n", "1").out)[0]["number"]
    by_address = _run(shared, "why", f"http://ci/#/builders/bad/builds/{number}")
    unclear = _run(shared, "why", "7")

    assert "to see it fail" in by_name.out
    assert 'Step "one": failure' in by_name.out
    assert by_name.out == by_address.out
    assert "use build:7, request:7 or change:7" in unclear.err


@pytest.mark.slow
def test_a_follower_waits_for_a_restarted_master_and_follows_the_retry(shared: InstalledMaster):
    shared.file("held.go").unlink(missing_ok=True)
    following = subprocess.Popen(
        [sys.executable, "-m", "chargehand", "force", "held", "--follow"],
        cwd=shared.path,
        stdout=subprocess.PIPE,
        text=True,
    )
    running = eventually("a build", lambda: shared.get("builds?complete=false"))

    shared.stop()
    shared.let_go("held")
    shared.start()
    out, _ = following.communicate(timeout=PATIENCE)

    assert running
    assert following.returncode == 0, out
    assert "connection lost; reconnecting…" in out
    assert ": retry" in out
    assert ": build successful" in out


def test_a_master_is_reached_by_its_address_too(shared: InstalledMaster):
    os.environ["CHARGEHAND_URL"] = shared.url
    try:
        by_variable = subprocess.run(
            [sys.executable, "-m", "chargehand", "builds", "--limit", "1"],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        del os.environ["CHARGEHAND_URL"]
    nobody = _run(shared, "builds", "--url", "http://127.0.0.1:1/")

    assert by_variable.returncode == 0, by_variable.stderr
    assert "#" in by_variable.stdout
    assert nobody.status == 1
    assert "cannot reach the master at http://127.0.0.1:1: Connection refused" in nobody.err


def test_without_a_master_the_command_says_how_to_start_one(tmp_path_factory):
    stopped = InstalledMaster(tmp_path_factory.mktemp("none") / "master")
    stopped.write(_CONFIGURATION)

    ran = _run(stopped, "status")

    assert ran.status == 1
    assert f"No master is running in {stopped.path}. To start it: chargehand start" in ran.err


def test_the_socket_is_for_the_masters_own_account_only(shared: InstalledMaster):
    assert shared.file("control.sock").stat().st_mode & 0o777 == 0o600
