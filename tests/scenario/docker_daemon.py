"""A Docker engine of the tests' own, without a network, and an image made of this machine."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from waiting import eventually

IMAGE = "this-machine"
"""Has nothing in it: `MOUNTS` bring the machine's own programs."""
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/opt")
_OURS = (Path(__file__).parents[2], Path(sys.prefix), Path(sys.base_prefix))
"""The checkout may stand anywhere, and so may the Python that its environment was made with."""
MOUNTS = [
    f"{path}:{path}:ro"
    for path in sorted({*map(Path, _SYSTEM), *_OURS, *(ours.resolve() for ours in _OURS)})
    if path.is_dir()
]
_LIMITS = {"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 20000, "Soft": 20000}}}


class DockerDaemon:
    """An engine that runs, at a unix socket."""

    def __init__(self, socket_path: Path) -> None:
        self._socket = socket_path

    @property
    def address(self) -> str:
        """What ``docker_host`` is."""
        return f"unix://{self._socket}"

    def containers(self, label: str = "") -> list[str]:
        """Return the names of all containers."""
        filters = quote(json.dumps({"label": [label]} if label else {}))
        found = self._ask("GET", f"/containers/json?all=1&filters={filters}")
        return sorted(one["Names"][0].lstrip("/") for one in found)

    def create(self, name: str, labels: dict[str, str]) -> None:
        """Make a container that is not started."""
        body = {"Image": IMAGE, "Cmd": ["true"], "Labels": labels}
        self._ask("POST", f"/containers/create?name={name}", json.dumps(body).encode())

    def image(self, name: str) -> dict[str, Any]:
        """Return what it knows of an image."""
        return dict(self._ask("GET", f"/images/{name}/json"))

    def container(self, name: str) -> dict[str, Any]:
        """Return what it knows of a container."""
        return dict(self._ask("GET", f"/containers/{name}/json"))

    def create_network(self, name: str) -> None:
        """Make a network that reaches nothing outside."""
        body = {"Name": name, "Driver": "bridge", "Internal": True}
        self._ask("POST", "/networks/create", json.dumps(body).encode())

    def remove(self, name: str) -> None:
        """Remove a container."""
        self._ask("DELETE", f"/containers/{name}?force=1")

    def remove_all(self) -> None:
        """Remove every container."""
        for name in self.containers():
            self.remove(name)

    def is_there(self) -> bool:
        """Return whether it answers."""
        try:
            return self._ask("GET", "/_ping", is_json=False) == b"OK"
        except OSError:
            return False

    def import_image(self) -> None:
        """Make the image."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("tmp")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        self._ask(
            "POST", f"/images/create?fromSrc=-&repo={IMAGE}", archive.getvalue(), is_json=False
        )

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, is_json: bool = True
    ) -> Any:
        connection = _Connection("docker")
        connection.path = self._socket
        headers = {"Content-Type": "application/json" if is_json else "application/x-tar"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        assert answer.status < 400, (path, data)
        return json.loads(data) if is_json and data else data


class _Connection(http.client.HTTPConnection):
    path = Path()

    def connect(self) -> None:
        """Connect to the unix socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


@contextmanager
def docker_daemon(*more: str) -> Iterator[DockerDaemon]:
    """Start an engine, with *more* options, and leave nothing of it behind."""
    directory = Path(tempfile.mkdtemp(prefix="dockerd-"))
    (directory / "daemon.json").write_text(json.dumps(_LIMITS))
    command = [
        *("dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false"),
        *("--storage-driver", "overlay2", "--config-file", str(directory / "daemon.json")),
        *("--data-root", str(directory / "data"), "--exec-root", str(directory / "exec")),
        *("--pidfile", str(directory / "pid"), "-H", f"unix://{directory / 'socket'}"),
        *more,
    ]
    daemon = DockerDaemon(directory / "socket")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        eventually("dockerd", lambda: process.poll() is not None or daemon.is_there())
        assert process.poll() is None, (directory / "log").read_text()
        daemon.import_image()
        yield daemon
        daemon.remove_all()
    finally:
        process.terminate()
        process.wait(timeout=30)
        for mounted in _mounted_in(directory):
            subprocess.run(["umount", "--lazy", mounted], check=True)
        shutil.rmtree(directory)


def _mounted_in(directory: Path) -> list[str]:
    """Return what the engine has left mounted, what is mounted last first."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [place for place in reversed(places) if place.startswith(f"{directory}/")]
