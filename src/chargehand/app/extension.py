"""The extension API, loaded at run time: the engine does not import it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from chargehand.app.failure import CommandFailed
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig
from chargehand.kit.circles import Scope
from chargehand.kit.pauses import without_pauses
from chargehand.plugins.root import activate


class ExtensionHost(Protocol):
    """The interface to users' code."""

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Prepare the loop for users' code: awaitable Deferreds, Twisted's reactor."""

    async def load(self) -> MasterConfig:
        """Read the configuration. Raises ConfigErrors."""

    def leftovers(self) -> Scope:
        """Return, once, what was read and is not in use any more."""

    def attach(self, engine: object) -> None:
        """Give users' code (``self.master``) access to the engine."""

    async def close(self) -> None:
        """Stop everything that users' code has started on the master itself."""


def open_host(basedir: Path, config_path: Path) -> ExtensionHost:
    """Return the host for a configuration file."""
    activate()
    with without_pauses():  # Imported modules are not garbage.
        module = import_module("buildbot._host.host")
    return cast(ExtensionHost, module.Host(basedir=basedir, config_file=config_path))


class Remark(Protocol):
    """Something in a source that is left to its author."""

    @property
    def line(self) -> int:
        """Its line in the new text."""

    @property
    def text(self) -> str:
        """What to do."""


class UpgradedSource(Protocol):
    """A source as it is written today."""

    @property
    def text(self) -> str:
        """The new text."""

    @property
    def remarks(self) -> Sequence[Remark]:
        """What is left to its author."""


def upgraded_source(text: str, file: str) -> UpgradedSource:
    """Return what `upgrade-config` makes of a source. Raises CommandFailed."""
    activate()
    try:
        module = import_module("buildbot._host.upgrading.upgrade")
    except ModuleNotFoundError as error:
        if error.name not in ("fissix", "libcst"):
            raise
        raise CommandFailed(
            f'upgrade-config needs the package "{error.name}". Run: {sys.executable} -m pip '
            "install libcst fissix"
        ) from None
    try:
        return cast(UpgradedSource, module.upgraded(text, file))
    except module.CannotUpgrade as error:
        raise CommandFailed(str(error)) from None


def described(errors: ConfigErrors, config_path: Path) -> str:
    """Return all errors as text for the terminal and the log."""
    count = len(errors.errors)
    head = f"{config_path} has {'an error' if count == 1 else f'{count} errors'}:"
    in_order = sorted(errors.errors, key=lambda error: (error.file or "", error.line or 0))
    return "\n".join([head, *(f"  {error}".replace("\n", "\n  ") for error in in_order)])
