"""Secrets in the password store ``pass``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from buildbot._border.bridge import outgoing, settled
from buildbot._border.errors import error
from buildbot.secrets.providers.base import SecretProviderBase

_log = logging.getLogger(__name__)

_TIMEOUT = 30.0
_UNKNOWN = b"is not in the password store"


class SecretInPass(SecretProviderBase):
    """Asks ``pass`` for the entry of that name.

    ``gpgPassphrase`` opens the key (None: it needs none), ``dirname`` is the store's directory
    (None: the usual one of the master's user).

    Args:
        gpgPassphrase (str | None): Passphrase of the key.
        dirname (str | None): Directory of the password store; by default that of the user.
    """

    name = "SecretInPass"

    def checkConfig(self, gpgPassphrase: str | None = None, dirname: str | None = None) -> None:
        """Check that there is the command, and the directory."""
        if shutil.which("pass") is None:
            error("pass does not exist in PATH")
        if dirname and not Path(dirname).is_dir():
            error(f"directory {dirname} does not exist")

    def reconfigService(self, gpgPassphrase: str | None = None, dirname: str | None = None) -> Any:
        """Take over the arguments."""
        self._passphrase = gpgPassphrase
        self._environment = dict(os.environ)
        if dirname:
            self._environment["PASSWORD_STORE_DIR"] = dirname
        return settled(None)

    @outgoing
    async def get(self, entry: str) -> str | None:
        """Return the entry, None if there is none, or if the store cannot be read (logged)."""
        with self._options() as environment:
            process = await asyncio.create_subprocess_exec(
                "pass",
                "show",
                "--",
                entry,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(_TIMEOUT):
                    output, complaint = await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()
                _log.error("pass did not answer within %g s when asked for %s", _TIMEOUT, entry)
                return None
        if process.returncode == 0:
            return output.decode().rstrip("\r\n")
        if _UNKNOWN not in complaint:
            why = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            _log.error("pass cannot read %s: %s", entry, why or f"status {process.returncode}")
        return None

    @contextlib.contextmanager
    def _options(self) -> Iterator[dict[str, str]]:
        """Yield the environment for pass; a passphrase is in a file that only we can read.

        Other users of the machine could read it in the arguments of gpg.
        """
        if not self._passphrase:
            yield self._environment
            return
        with NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(self._passphrase)
            file.flush()
            options = f"--pinentry-mode loopback --passphrase-file {file.name}"
            yield self._environment | {"PASSWORD_STORE_GPG_OPTS": options}
