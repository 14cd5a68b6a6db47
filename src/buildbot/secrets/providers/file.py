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
        if not Path(dirname).is_dir():
            error(f"directory {dirname} does not exist")
            return
        for _, path in _files(dirname, suffixes):
            if (problem := _readable_by_others(path)) is not None:
                error(problem)

    @own_arguments
    def reconfigService(
        self, dirname: str, suffixes: Sequence[str] | None = None, strip: bool = True
    ) -> Any:
        """Take over the arguments."""
        self._dirname, self._suffixes, self._strip = dirname, suffixes, strip
        return settled(None)

    def get(self, entry: str) -> str | None:
        """Return the secret in the file of that name, None if there is none.

        Raises PermissionError if other users can read it.
        """
        if "/" in entry or entry in ("", ".", ".."):
            return None
        for suffix in ("",) if self._suffixes is None else self._suffixes:
            path = Path(self._dirname, entry + suffix)
            if path.is_file():
                if (problem := _readable_by_others(path)) is not None:
                    raise PermissionError(problem)
                text = path.read_text(encoding="utf-8")
                return text.rstrip("\r\n") if self._strip else text
        return None


def _readable_by_others(path: Path) -> str | None:
    """Return what is wrong with the permissions of a file."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o77:
        return None
    return (
        f"other users can read the secret in {path} (its mode is {mode:04o}); "
        f"run: chmod 600 {shlex.quote(str(path))}"
    )


def _files(dirname: str, suffixes: Sequence[str] | None) -> Iterator[tuple[str, Path]]:
    for path in sorted(Path(dirname).iterdir()):
        if path.is_file():
            for suffix in suffixes if suffixes is not None else ("",):
                if path.name.endswith(suffix):
                    yield path.name.removesuffix(suffix), path
