"""Secrets in the password store ``pass``."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

from buildbot._border.bridge import outgoing, settled
from buildbot._border.errors import error
from buildbot.secrets.providers.base import SecretProviderBase

_TIMEOUT = 30.0


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
        self._environment = dict(os.environ)
        if gpgPassphrase:
            self._environment["PASSWORD_STORE_GPG_OPTS"] = f"--passphrase {gpgPassphrase}"
        if dirname:
            self._environment["PASSWORD_STORE_DIR"] = dirname
        return settled(None)

    @outgoing
    async def get(self, entry: str) -> str | None:
        """Return the entry, None if there is none."""
        process = await asyncio.create_subprocess_exec(
            "pass",
            "show",
            "--",
            entry,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_TIMEOUT):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return None
        return output.decode().rstrip("\r\n") if process.returncode == 0 else None
