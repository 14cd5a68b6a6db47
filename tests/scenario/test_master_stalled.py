"""A master that stalls longer than others wait, loses its builds, and goes on when it wakes up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installed_master import RETRY, SUCCESS
from short_leased_master import ShortLeasedMaster
from waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

_CONFIGURATION = """
    c['db'] = {{'db_url': {url!r}}}
    c['multiMaster'] = True
    add('slow', blocking('slow'))
    add('quick', sh('true'))
"""


@pytest.fixture
def masters(
    tmp_path: Path, new_postgresql: Callable[[], str]
) -> Iterator[tuple[ShortLeasedMaster, ShortLeasedMaster]]:
    """Two that share a database; builds are forced over the first one."""
    both = (ShortLeasedMaster(tmp_path / "one"), ShortLeasedMaster(tmp_path / "two"))
    configuration = _CONFIGURATION.format(url=new_postgresql())
    both[0].write(configuration)
    both[1].write(configuration, foot="")
    try:
        for master in both:
            master.start()
        yield both
    finally:
        for master in both:
            master.end()


def test_what_was_taken_from_a_stalled_master_stays_with_the_one_that_took_it(
    masters: tuple[ShortLeasedMaster, ShortLeasedMaster],
) -> None:
    first, second = masters
    first.connected()
    request = first.force("slow")
    first.wait_for_file("slow.running")
    taken = first.running_build(request)

    first.signal(signal.SIGSTOP)
    second.wait_for_file("slow.running")
    lost, running = second.builds_of(request)
    assert (lost["buildid"], lost["results"]) == (taken["buildid"], RETRY)
    assert lost["state_string"].endswith('stopped responding during "slow"; retrying')
    assert running["masterid"] != taken["masterid"]

    first.signal(signal.SIGCONT)
    eventually("registering again", lambda: "registers again" in first.log)
    new = first.build("quick")
    assert (new["results"], new["masterid"]) == (SUCCESS, taken["masterid"])
    assert second.builds_of(request) == [lost, running]

    second.let_go("slow")
    assert second.completed(request)["results"] == SUCCESS
    lost_now, finished = second.builds_of(request)
    assert lost_now == lost
    assert (finished["buildid"], finished["results"]) == (running["buildid"], SUCCESS)
    assert second.output(finished, "slow") == ["begun"]
    assert all(log["complete"] for log in second.logs(lost, "slow").values())
    assert "Traceback" not in first.log + second.log
