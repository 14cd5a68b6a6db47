"""`check-security`: what of a master others can misuse, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from chargehand.config.weaknesses import Grade, Weakness, weaknesses_of

_COLOURS = {Grade.OPEN: "red", Grade.WEAK: "yellow", Grade.HINT: "cyan"}


@click.command("check-security")
@click.argument("place", metavar="[DIR|FILE]", type=click.Path(path_type=Path), default=".")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_security(place: Path, as_json: bool) -> int:
    """List what is open, weak, or readable by others in the master in DIR, and what to do.

    Reads the configuration and looks at the files of the master; it connects nowhere. The exit
    status is 1 if something is open: who reaches the master can misuse it without guessing.
    """
    from chargehand.cli.check_configuration import configuration_of, load_configuration
    from chargehand.cli.file_weaknesses import weaknesses_of_files

    config_path, basedir = configuration_of(place)
    config = load_configuration(config_path, basedir)
    found = [*weaknesses_of(config), *weaknesses_of_files(basedir, config_path, config)]
    found.sort(key=lambda one: -one.grade)
    if as_json:
        click.echo(msgspec.json.encode([_plain(one) for one in found]).decode())
    else:
        for one in found:
            _show(one)
        click.echo(_summary(found))
    return int(any(one.grade is Grade.OPEN for one in found))


def _plain(one: Weakness) -> dict[str, str]:
    return {"grade": one.grade.name.lower(), "what": one.what, "remedy": one.remedy}


def _show(one: Weakness) -> None:
    label = click.style(f"{one.grade.name.lower():<4}", fg=_COLOURS[one.grade], bold=True)
    click.echo(f"{label}  {one.what[0].upper()}{one.what[1:]}.")
    click.echo(f"      {one.remedy[0].upper()}{one.remedy[1:]}.\n")


def _summary(found: list[Weakness]) -> str:
    if not found:
        return "Found nothing that others can misuse."
    counts = ((grade.name.lower(), sum(one.grade is grade for one in found)) for grade in Grade)
    return ", ".join(f"{count} {name}" for name, count in counts if count)
