"""Which sources `run` builds: those that the steps name, or directories of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from chargehand.app.failure import CommandFailed
from chargehand.cli.git import Snapshot, snapshot
from chargehand.domain.source_stamp import SourceStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line says of the sources; a directory's codebase may be left open."""

    directories: tuple[tuple[str | None, Path], ...] = ()
    branch: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSources:
    """Source stamps, and the environment in which git finds the directories."""

    stamps: tuple[SourceStamp, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def read_wish(sources: Sequence[str], branch: str | None, revision: str | None) -> Wish:
    """Read ``DIR`` and ``CODEBASE=DIR``. Raises UsageError."""
    directories: list[tuple[str | None, Path]] = []
    for given in sources:
        codebase, equals, rest = given.partition("=")
        is_pair = equals and not Path(given).is_dir()
        path = Path(rest if is_pair else given)
        if not path.is_dir():
            raise click.UsageError(f"--source {given!r}: {path} is not a directory")
        directories.append((codebase if is_pair else None, path.resolve()))
    return Wish(directories=tuple(directories), branch=branch, revision=revision)


def choose(wish: Wish, named: Sequence[tuple[str, str]], place: Path) -> ChosenSources:
    """Return what is built. *named* are codebase and address of each repository of the steps."""
    codebases = list(dict.fromkeys(codebase for codebase, _ in named)) or [""]
    if wish.revision and len(codebases) > 1:
        raise CommandFailed(
            f"--revision is ambiguous: the builder has the codebases {', '.join(codebases)}"
        )
    directories = _by_codebase(wish, codebases)
    shots = {
        codebase: snapshot(directory, place / f"source-{number}.git")
        for number, (codebase, directory) in enumerate(directories.items())
    }
    addresses = dict(reversed(named))
    stamps = tuple(
        SourceStamp(
            codebase=codebase,
            branch=shots[codebase].branch if codebase in shots else wish.branch,
            revision=wish.revision,
            repository=str(shots[codebase].bare)
            if codebase in shots
            else addresses.get(codebase, ""),
        )
        for codebase in codebases
    )
    return ChosenSources(stamps=stamps, environment=_redirections(named, shots))


def _by_codebase(wish: Wish, codebases: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for codebase, directory in wish.directories:
        name = codebase
        if name is None and len(codebases) == 1:
            name = codebases[0]
        if name is None:
            example = codebases[0]
            raise CommandFailed(
                f"--source {directory}: say which codebase that is, for example "
                f"--source {example}={directory} (there are: {', '.join(codebases)})"
            )
        if name not in codebases:
            raise CommandFailed(
                f'the builder has no codebase "{name}" (there are: {", ".join(codebases)})'
            )
        found[name] = directory
    return found


def _redirections(
    named: Sequence[tuple[str, str]], shots: Mapping[str, Snapshot]
) -> dict[str, str]:
    """Return git's own redirection (url.X.insteadOf), as its environment variables.

    It is one of prefixes, the longest wins: an address that only begins like one that is redirected
    is redirected to itself.
    """
    if not shots:
        return {}
    settings = [("protocol.file.allow", "always")]  # submodules come from snapshots, too
    for codebase, url in named:
        target = str(shots[codebase].bare) if codebase in shots else url
        settings.append((f"url.{target}.insteadOf", url))
    for shot in shots.values():
        settings += [(f"url.{bare}.insteadOf", url) for url, bare in shot.submodules]
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    kept = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
    found = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    for number, (key, value) in enumerate(settings, first):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return {**found, "GIT_CONFIG_COUNT": str(first + len(settings))}
