"""A git repository somewhere, for tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann Ö",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Carl",
    "GIT_COMMITTER_EMAIL": "carl@example.org",
    "GIT_COMMITTER_DATE": "2021-01-01T00:00:00Z",
    "PATH": os.environ["PATH"],
}


class Repository:
    """A repository somewhere, and a working copy from which to push to it."""

    def __init__(self, path: Path) -> None:
        self.bare = path / "up.git"
        self.copy = path / "copy"
        self.url = self.bare.as_uri()
        self._git("init", "-q", "--bare", "-b", "main", str(self.bare), directory=path)
        self._git("init", "-q", "-b", "main", str(self.copy), directory=path)
        self._git("remote", "add", "origin", str(self.bare))

    def _git(self, *arguments: str, directory: Path | None = None) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=directory or self.copy,
            env=_ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def git(self, *arguments: str) -> str:
        """Run git in the working copy, and return what it prints."""
        return self._git(*arguments)

    def commit(self, message: str, *names: str) -> str:
        """Append the message to these files, commit them, and return the revision."""
        for name in names or ("file",):
            path = self.copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(message)
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)
        return self._git("rev-parse", "HEAD")

    def push(self, *refs: str) -> None:
        """Push, by force."""
        self._git("push", "-q", "--force", "origin", *(refs or ("main",)))
