"""Secrets in files, one in each."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.errors import error
from buildbot.secrets.providers.base import SecretProviderBase


class SecretInAFile(SecretProviderBase):
    """Each file of a directory holds the secret of its name.

    With ``suffixes`` only files with one of them count, and the name is without it. ``strip`` takes
    newlines off the end. The files must not be accessible to others than their owner.

    Args:
        dirname (str): Directory that has a file for each secret, called like it.
        suffixes (list[str] | None): Endings of the files' names.
        strip (bool): Remove white space around the secret.
    """

    name = "SecretInAFile"

    def checkConfig(
        self, dirname: str, suffixes: Sequence[str] | None = None, strip: bool = True
    ) -> None:
        """Check the directory, and the files' permissions."""
        self._dirname = dirname
        if not Path(dirname).is_dir():
            error(f"directory {dirname} does not exist")
            return
        for _, path in _files(dirname, suffixes):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o77:
                error(
                    f"other users can read the secret in {path} (its mode is {mode:04o}); "
                    f"run: chmod 600 {shlex.quote(str(path))}"
                )

    @own_arguments
    def reconfigService(
        self, dirname: str, suffixes: Sequence[str] | None = None, strip: bool = True
    ) -> Any:
        """Read the secrets."""
        self._dirname = dirname
        self._secrets: dict[str, str] = {}
        for name, path in _files(dirname, suffixes):
            text = path.read_text(encoding="utf-8")
            self._secrets[name] = text.rstrip("\r\n") if strip else text
        return settled(None)

    def get(self, entry: str) -> str | None:
        """Return the secret in the file of that name, None if there is none."""
        return self._secrets.get(entry)


def _files(dirname: str, suffixes: Sequence[str] | None) -> Iterator[tuple[str, Path]]:
    for path in sorted(Path(dirname).iterdir()):
        if path.is_file():
            for suffix in suffixes if suffixes is not None else ("",):
                if path.name.endswith(suffix):
                    yield path.name.removesuffix(suffix), path
