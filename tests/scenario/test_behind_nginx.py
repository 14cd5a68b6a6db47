"""A worker behind a real nginx, with the lines that the guides say."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from test_remote_worker import Worker
from waiting import eventually

pytestmark = pytest.mark.slow

_GUIDES = Path(__file__).parents[2] / "docs" / "how-to"
_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or "nginx"
_SCRIPT = (
    "echo begun; n=0; while [ $n -lt 3000 ]; do n=$((n+1)); echo $n; done; "
    "while [ ! -e {HERE}/go ]; do sleep 0.05; done; "
    "while [ $n -lt 6000 ]; do n=$((n+1)); echo $n; done; echo end"
)
_LINES = ["begun", *map(str, range(1, 6001)), "end"]
_CONFIGURATION = f"""
    c['workers'] = [worker.Worker('arm-7', 'open sesame', max_builds=1)]
    c['buildbotURL'] = 'https://127.0.0.1/builds/'
    add('b', sh(f'{_SCRIPT}', name='chatty'), workernames=['arm-7'])
    """


class Nginx:
    """A real nginx before a master, with its logs in a directory of the test."""

    def __init__(self, directory: Path, *, master: str, guides: str, ca: Authority) -> None:
        """*guides* is what the guides say, below ``http`` and ``server``."""
        directory.mkdir()
        certificate, key = ca.signed("proxy")
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        server = re.sub(r"(ssl_certificate) .*;", rf"\1 {certificate};", guides)
        server = re.sub(r"(ssl_certificate_key) .*;", rf"\1 {key};", server)
        server = server.replace("http://127.0.0.1:8010", master)
        server = server.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;")
        (directory / "nginx.conf").write_text(
            "daemon off; pid nginx.pid; error_log stderr;\n"
            "events {}\n"
            "http {\n"
            "log_format upgrades '$request_uri $status $http_upgrade to $sent_http_upgrade';\n"
            f"access_log {directory}/access.log upgrades;\n"
            + "".join(f"{kind}_temp_path {kind};\n" for kind in _TEMPORARY)
            + f"{server}\n}}\n"
        )

    def start(self) -> None:
        """Start it; it must listen."""
        command = [_NGINX, "-p", self._directory, "-c", "nginx.conf"]
        with (self._directory / "error.log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL)
        eventually("nginx", (self._directory / "nginx.pid").exists)

    def stop(self) -> None:
        """Stop it at once: all connections are cut."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    @property
    def upgrades(self) -> list[str]:
        """What was asked at which path, and answered, on connections that have ended."""
        return (self._directory / "access.log").read_text().splitlines()


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _guide(name: str) -> str:
    """Return the first lines for nginx of a guide."""
    return (_GUIDES / name).read_text().partition("```nginx\n")[2].partition("```")[0]


_SITE = _guide("behind-a-proxy.md")
_WORKERS = _SITE.replace(
    "location /builds/ {", _guide("connect-workers-with-tls.md") + "location /builds/ {"
)
_ONLY_WEBSOCKETS = _WORKERS.replace("Upgrade $http_upgrade;", "Upgrade websocket;")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path / "arm-7")
    yield worker
    worker.run("stop", worker.directory)


@pytest.mark.parametrize(
    ("guides", "path", "asked", "upgraded"),
    [
        (_SITE, "/builds/", "/builds/worker/v1", "chargehand-worker"),
        (_WORKERS, "", "/worker/v1", "chargehand-worker"),
        (_ONLY_WEBSOCKETS, "", "/worker/v1", "websocket"),
    ],
    ids=["the site's lines", "lines for workers", "only websockets"],
)
def test_a_worker_builds_through_nginx_and_goes_on_after_a_cut(
    guides: str,
    path: str,
    asked: str,
    upgraded: str,
    master: InstalledMaster,
    remote: Worker,
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path / "ca")
    master.write(_CONFIGURATION)
    master.start()
    nginx = Nginx(tmp_path / "nginx", master=master.url.rstrip("/"), guides=guides, ca=authority)
    nginx.start()
    try:
        url = f"https://127.0.0.1:{nginx.port}{path}"
        created = remote.run(
            *("create-worker", "--ca-file", authority.certificate, "--keepalive", "1"),
            *(remote.directory, url, "arm-7", "open sesame"),
        )
        started = remote.run("start", remote.directory)
        assert created.returncode == started.returncode == 0, created.stderr + started.stderr
        request_id = master.force("b")
        build = master.running_build(request_id)
        eventually(
            "output", lambda: master.steps(build) and "3000" in master.output(build, "chatty")
        )

        nginx.stop()
        (master.path / "go").touch()
        waiting = master.force("b")
        sentence = master.waits(waiting, "workers_interrupted")
        nginx.start()

        assert sentence.startswith("worker arm-7 lost its connection ")
        assert master.completed(request_id)["results"] == SUCCESS
        assert master.output(build, "chatty") == _LINES
        assert len(master.builds_of(request_id)) == 1
    finally:
        remote.run("stop", remote.directory)
        nginx.stop()
    links = [line for line in nginx.upgrades if line.startswith(f"{asked} 101 ")]
    assert set(links) == {f"{asked} 101 chargehand-worker, websocket to {upgraded}"}
