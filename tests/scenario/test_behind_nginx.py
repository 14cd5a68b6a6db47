"""A worker behind a real nginx, with the lines that the guides say."""

from __future__ import annotations

import base64
import json
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from passlib.context import CryptContext
from test_remote_worker import Worker
from waiting import eventually

from chargehand.kit.hashed_passwords import hashed

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


def _guide(name: str, which: int = 0) -> str:
    """Return lines for nginx of a guide, the first by default."""
    return (_GUIDES / name).read_text().split("```nginx\n")[which + 1].partition("```")[0]


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


@pytest.fixture
def readable() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def test_people_log_in_through_nginx_and_nginx_says_who_they_are(
    master: InstalledMaster, tmp_path: Path, readable: Path
) -> None:
    authority = Authority(tmp_path / "ca")
    readable.chmod(0o755)  # nginx reads it with an account of its own.
    users = readable / "htpasswd"
    hashes = CryptContext(schemes=["apr_md5_crypt"])
    users.write_text(f"carol:{hashes.hash('open sesame')}\n")
    rules = f"""
    add('b', sh('true'))
    c['buildbotURL'] = 'https://127.0.0.1:PORT/builds/'
    c['www']['trusted_proxies'] = ['127.0.0.1']
    c['www']['auth'] = util.UserPasswordAuth({{'ann': '{hashed("open sesame")}'}})
    """
    named = rules[: rules.index("c['www']['auth']")] + (
        "c['www']['auth'] = util.RemoteUserAuth(header='X-Remote-User', "
        "headerRegex='(?P<username>[^ ]+)')\n    "
    )
    master.write(rules.replace("PORT", "443"))
    master.start()
    second = _guide("behind-a-proxy.md", 1).partition("{")[2].partition("proxy_set_header")[0]
    asking = second.replace("/etc/nginx/ci.htpasswd", str(users))
    asking += "proxy_set_header X-Remote-User $remote_user;"
    for lines, configuration in (("", rules), (asking, named)):
        guides = _SITE.replace("location /builds/ {", "location /builds/ {" + lines)
        guides = guides.replace("Host $host;", "Host $http_host;")
        directory = tmp_path / f"nginx{len(lines)}"
        nginx = Nginx(directory, master=master.url.rstrip("/"), guides=guides, ca=authority)
        master.write(configuration.replace("PORT", str(nginx.port)))
        master.reconfig()
        nginx.start()
        try:
            browser = _Https(f"https://127.0.0.1:{nginx.port}/builds", authority)
            if lines:
                assert browser.send("/config")[0] == 401
                browser.headers["Authorization"] = browser.basic("carol", "open sesame")
                assert '"username":"carol"' in browser.send("/config")[1]
                # A client cannot name itself: the proxy sets the header.
                browser.headers["X-Remote-User"] = "root"
                assert '"username":"carol"' in browser.send("/config")[1]
            else:
                status, _ = browser.send("/auth/login", Authorization=browser.basic("ann", "no"))
                assert status == 401
                shown = browser.basic("ann", "open sesame")
                assert browser.send("/auth/login", Authorization=shown)[0] == 200
                assert browser.cookie.startswith("__Host-") and "Secure" in browser.cookie
                assert '"username":"ann"' in browser.send("/config")[1]
            assert browser.force(Origin="https://evil.example") in (400, 403)
            assert browser.force(Origin=f"https://127.0.0.1:{nginx.port}") == 200
        finally:
            nginx.stop()
    audit = master.chargehand("audit", "--json").out
    assert '"user":"carol"' in audit and '"user":"ann"' in audit
    assert '"origin":"127.0.0.1"' in audit


class _Https:
    """A client with cookies that trusts an authority."""

    def __init__(self, url: str, authority: Authority) -> None:
        self.headers: dict[str, str] = {}
        self.cookie = ""
        self._url = url
        self._context = ssl.create_default_context(cafile=authority.certificate)

    def basic(self, name: str, password: str) -> str:
        return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    def send(self, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        known = {**self.headers, **headers, "Content-Type": "application/json"}
        if self.cookie:
            known["Cookie"] = self.cookie.partition(";")[0]
        request = urllib.request.Request(f"{self._url}{path}", data, known)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
                self.cookie = answer.headers.get("Set-Cookie", self.cookie)
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def force(self, **headers: str) -> int:
        call = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": {}}
        return self.send("/api/v2/forceschedulers/force", call, **headers)[0]
