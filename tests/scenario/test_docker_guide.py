"""What the guide to containers runs in an image."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from installed_master import SUCCESS, InstalledMaster
from waiting import eventually

_ROOT = Path(__file__).parents[2]
_GUIDE = (_ROOT / "docs" / "how-to" / "build-in-docker-containers.md").read_text()
_PASSWORD = "open 'sesame' $HOME"
_PROGRAMS = {
    "chargehand-worker": Path(sys.executable).parent,
    "buildbot-worker": _ROOT / "bench" / "run" / "stock-worker" / "bin",
}


@pytest.mark.parametrize("program", [one for one in _PROGRAMS if (_PROGRAMS[one] / one).exists()])
def test_the_command_of_an_image_starts_a_worker(
    program: str, master: InstalledMaster, tmp_path: Path
):
    """Its variables may hold any password."""
    place = _PROGRAMS[program]
    master.write(
        f"c['workers'] = [worker.Worker('w1', {_PASSWORD!r})]\n"
        "c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}\n"
        "add('b', sh('true'), workernames=['w1'])\n"
    )
    master.start()
    (pb,) = re.findall(r"listening on 127\.0\.0\.1:(\d+) for workers \(pb\)", master.log)
    told = {
        "BUILDMASTER": "127.0.0.1",
        "BUILDMASTER_PORT": pb if program == "buildbot-worker" else master.url.rpartition(":")[2],
        "WORKERNAME": "w1",
        "WORKERPASS": _PASSWORD,
    }
    (line,) = re.findall(rf"^CMD (.*/{program} create-worker.*)$", _GUIDE, re.MULTILINE)
    shell, option, script = json.loads(line)

    with subprocess.Popen(
        [shell, option, script.replace("/opt/worker/bin", str(place))],
        cwd=tmp_path,
        env={**os.environ, **told},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as container:
        try:
            eventually("the worker", lambda: "worker w1 is connected" in master.log)
            master.force("b")
            build = eventually("the build", lambda: master.get("builds?complete=true"))
        finally:
            os.killpg(container.pid, signal.SIGTERM)
            container.wait(30)

    assert build[0]["results"] == SUCCESS
