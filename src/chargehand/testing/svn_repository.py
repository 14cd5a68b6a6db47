"""A Subversion repository somewhere, with a server, for tests."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PASSWORD = "hunter2 & more"


class SvnRepository:
    """A repository; ``url`` is its path, or the server's address while `served` runs."""

    def __init__(self, path: Path) -> None:
        self.path = path / "svn"
        subprocess.run(["svnadmin", "create", str(self.path)], check=True)
        self._files = path / "files"
        self._files.mkdir()
        self.url = self.path.as_uri()
        self.password = _PASSWORD

    def commit(self, message: str, *actions: str, author: str = "ann") -> int:
        """Perform actions of svnmucc, in one revision; return its number.

        The word ``new=`` stands for an empty file: ``put new= trunk/a``.
        """
        empty = self._files / "empty"
        empty.touch()
        words = (word for action in actions for word in action.split())
        subprocess.run(
            [
                *("svnmucc", "--root-url", self.path.as_uri(), "-m", message, "-u", author),
                *(str(empty) if word == "new=" else word for word in words),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        )
        return self.newest()

    def newest(self) -> int:
        """Return the number of the newest revision."""
        youngest = subprocess.run(
            ["svnlook", "youngest", str(self.path)], check=True, capture_output=True, text=True
        )
        return int(youngest.stdout)

    def ask_for_password(self) -> None:
        """Let only the user ``ann`` read, who has a password."""
        (self.path / "conf" / "svnserve.conf").write_text(
            "[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\n"
        )
        (self.path / "conf" / "passwd").write_text(f"[users]\nann = {self.password}\n")

    @contextmanager
    def served(self, port: int) -> Iterator[str]:
        """Serve it with svnserve; yields its address."""
        server = subprocess.Popen(
            [
                *("svnserve", "--daemon", "--foreground", "--root", str(self.path.parent)),
                *("--listen-host", "127.0.0.1", "--listen-port", str(port)),
            ]
        )
        self.url = f"svn://127.0.0.1:{port}/svn"
        try:
            while not _answers(port):
                assert server.poll() is None, "svnserve ended"
            yield self.url
        finally:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
