"""A registry of images on this machine, for one image, which it gives to whom it should."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Has the image ``ci:latest``, whose label ``release`` says which one it is."""

    def __init__(self, port: int, login: str = "") -> None:
        self.image = f"127.0.0.1:{port}/ci"
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        self._found: dict[str, bytes] = {}
        self.pulls = 0
        """How often it was asked for the image."""

    def publish(self, release: str) -> None:
        """Replace the image."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("tmp")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        layer = gzip.compress(archive.getvalue())
        configuration = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"release": release}},
            "rootfs": {"type": "layers", "diff_ids": [_digest(archive.getvalue())]},
        }
        described = json.dumps(configuration).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _described("application/vnd.docker.container.image.v1+json", described),
            "layers": [
                _described("application/vnd.docker.image.rootfs.diff.tar.gzip", layer),
            ],
        }
        stored = json.dumps(manifest).encode()
        self._found |= {_digest(one): one for one in (layer, described, stored)}
        self._found["latest"] = stored

    def answer(self, path: str, login: str) -> tuple[int, bytes]:
        """Return the status and the body for a request."""
        if self._login and login != self._login:
            return 401, b"{}"
        name = path.rsplit("/", 1)[1]
        if not name:
            return 200, b"{}"
        if name == "latest":
            self.pulls += 1
        return (200, self._found[name]) if name in self._found else (404, b"{}")


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(data), "digest": _digest(data)}


@contextmanager
def docker_registry(login: str = "") -> Iterator[Registry]:
    """Serve a registry; *login* is ``USER:PASSWORD``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = registry.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            is_manifest = "/manifests/" in self.path and status == 200
            self.send_header(
                "Content-Type", _MANIFEST if is_manifest else "application/octet-stream"
            )
            if is_manifest:
                self.send_header("Docker-Content-Digest", _digest(body))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry = Registry(server.server_port, login)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
