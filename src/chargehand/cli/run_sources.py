"""Which sources `run` builds: those named by the steps, or local directories."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.cli.git import Snapshot, snapshot
from chargehand.domain.source_stamp import SourceStamp


class SourceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The sources given on the command line; a directory's codebase may be None."""

    directories: tuple[tuple[str | None, Path], ...] = ()
    branch: str | None = None
    revision: str | None = None


class ChosenSources(msgspec.Struct, frozen=True, kw_only=True):
    """Source stamps, and the environment in which git finds the directories."""

    stamps: tuple[SourceStamp, ...]
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)


def parse_source_options(
    sources: Sequence[str], branch: str | None, revision: str | None
) -> SourceOptions:
    """Read ``DIR`` and ``CODEBASE=DIR``. Raises UsageError."""
    directories: list[tuple[str | None, Path]] = []
    for given in sources:
        codebase, equals, rest = given.partition("=")
        is_pair = equals and not Path(given).is_dir()
        path = Path(rest if is_pair else given)
        if not path.is_dir():
            raise click.UsageError(f'--source "{given}": "{path}" is not a directory')
        directories.append((codebase if is_pair else None, path.resolve()))
    return SourceOptions(directories=tuple(directories), branch=branch, revision=revision)


def choose(options: SourceOptions, named: Sequence[tuple[str, str]], place: Path) -> ChosenSources:
    """Return what to build. *named* has codebase and address of each repository of the steps."""
    codebases = list(dict.fromkeys(codebase for codebase, _ in named)) or [""]
    if options.revision and len(codebases) > 1:
        raise CommandFailed(
            f"--revision is ambiguous: the builder has several codebases ({', '.join(codebases)})"
        )
    directories = _by_codebase(options, codebases)
    shots = {
        codebase: snapshot(directory, place / f"source-{number}.git")
        for number, (codebase, directory) in enumerate(directories.items())
    }
    addresses = dict(reversed(named))
    stamps = tuple(
        SourceStamp(
            codebase=codebase,
            branch=shots[codebase].branch if codebase in shots else options.branch,
            revision=options.revision,
            repository=str(shots[codebase].bare)
            if codebase in shots
            else addresses.get(codebase, ""),
        )
        for codebase in codebases
    )
    return ChosenSources(stamps=stamps, environment=_redirections(named, shots))


def _by_codebase(options: SourceOptions, codebases: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for codebase, directory in options.directories:
        name = codebase
        if name is None and len(codebases) == 1:
            name = codebases[0]
        if name is None:
            example = codebases[0]
            raise CommandFailed(
                f'--source "{directory}": name its codebase, for example '
                f"--source {example}={directory} (the builder has: {', '.join(codebases)})"
            )
        if name not in codebases:
            raise CommandFailed(
                f'the builder has no codebase "{name}" (it has: {", ".join(codebases)})'
            )
        found[name] = directory
    return found


def _redirections(
    named: Sequence[tuple[str, str]], shots: Mapping[str, Snapshot]
) -> dict[str, str]:
    """Return git's own redirection (url.X.insteadOf), as its environment variables.

    Git matches prefixes, and the longest wins: an address that merely starts like a redirected one
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
