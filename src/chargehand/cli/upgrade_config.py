"""`upgrade-config`: write a configuration as it is written today."""

from __future__ import annotations

import difflib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from chargehand.app.extension import UpgradedSource, upgraded_source
from chargehand.app.failure import CommandFailed
from chargehand.cli.source_files import SourceFile, read_source, replace_file, sources_in

_NOT_WRITTEN = 3
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("upgrade-config")
@click.argument(
    "places", metavar="FILE|DIR...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--write", is_flag=True, help="Write the changes without asking.")
def upgrade_config(places: Sequence[Path], write: bool) -> int:
    """Rewrite configurations of earlier versions of Buildbot, or for Python 2, in current style.

    Shows the differences for each FILE (master.cfg, or a module that it imports): Python 2
    becomes Python 3, and old names, arguments and keys become current ones. Comments and layout
    are kept. What you must decide is listed with its line. For a DIR, all configurations and
    modules in it and below are upgraded.

    Nothing is written until you agree, or with --write; the old file is kept as FILE.bak.

    \b
    Exit status:
      0  nothing to change, or all changes are written
      1  a file cannot be read or upgraded
      2  wrong usage
      3  there are changes, and they are not written
    """
    found = [_Upgrade.of(path) for place in places for path in _existing(place)]
    changes = [one for one in found if one.is_changed]
    failures = [one for one in found if one.failure]
    for one in found:
        one.show()
    if changes and (write or _is_wanted(changes)):
        for one in changes:
            backup = replace_file(one.file.path, one.file.encoded(one.text))
            click.echo(f"{one.file.path}: written; the old file is {backup}")
    elif changes:
        command = " ".join(shlex.quote(str(place)) for place in places)
        click.echo(f"Nothing is written. To write: chargehand upgrade-config --write {command}")
        return 1 if failures else _NOT_WRITTEN
    return 1 if failures else 0


def _existing(place: Path) -> list[Path]:
    if not place.exists():
        raise CommandFailed(f'"{place}" does not exist')
    return list(sources_in(place))


def _is_wanted(changes: Sequence[_Upgrade]) -> bool:
    if not sys.stdin.isatty():
        return False
    what = str(changes[0].file.path) if len(changes) == 1 else f"{len(changes)} files"
    return click.confirm(f"Write {what}?")


class _Upgrade(msgspec.Struct, frozen=True):
    """One file, and what it is to become."""

    file: SourceFile
    result: UpgradedSource | None = None
    failure: str = ""

    @classmethod
    def of(cls, path: Path) -> _Upgrade:
        file = SourceFile(path=path, text="", encoding="utf-8", is_crlf=False)
        try:
            file = read_source(path)
            return cls(file, upgraded_source(file.text, str(path)))
        except CommandFailed as error:
            return cls(file, failure=str(error))

    @property
    def text(self) -> str:
        return self.file.text if self.result is None else self.result.text

    @property
    def is_changed(self) -> bool:
        return self.text != self.file.text

    def show(self) -> None:
        """Print the differences, and what is left to the author."""
        if self.failure:
            click.secho(self.failure, fg="red", err=True)
            return
        path = self.file.path
        if not self.is_changed:
            click.echo(f"{path}: nothing to change")
        lines = difflib.unified_diff(
            self.file.text.splitlines(keepends=True),
            self.text.splitlines(keepends=True),
            str(path),
            f"{path} (upgraded)",
        )
        for line in lines:
            bold = line.startswith(("+++", "---"))
            colour = None if bold else _COLOURS.get(line[0])
            click.secho(line.rstrip("\n"), fg=colour, bold=bold)
        for remark in self.result.remarks if self.result is not None else ():
            click.secho(f"{path}:{remark.line}: {remark.text}", fg="yellow", err=True)
