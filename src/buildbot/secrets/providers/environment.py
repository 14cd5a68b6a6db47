"""Secrets in the environment of the master, as containers and service managers give them."""

from __future__ import annotations

import os
import re
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.errors import error
from buildbot.secrets.providers.base import SecretProviderBase

_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9_]")


class SecretInEnvironment(SecretProviderBase):
    """A variable of the master's environment holds the secret of its name.

    The secret ``deploy-token`` is in the variable ``SECRET_DEPLOY_TOKEN``: the prefix, and the name
    in capitals with ``_`` for all other characters than letters and digits. Only variables with the
    prefix can be asked for. Commands of builds do not get these variables.

    Args:
        prefix (str): What the names of the variables begin with.
    """

    name = "SecretInEnvironment"

    def checkConfig(self, prefix: str = "SECRET_") -> None:
        """Check the prefix."""
        if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix) is None:
            error(f"prefix must be the beginning of a variable's name, like 'CI_', not {prefix!r}")

    @own_arguments
    def reconfigService(self, prefix: str = "SECRET_") -> Any:
        """Take over the arguments."""
        self._prefix = prefix
        return settled(None)

    def get(self, entry: str) -> str | None:
        """Return the value of the variable, None if there is none."""
        return os.environ.get(self._prefix + _NOT_IN_NAMES.sub("_", entry.upper()))
