"""`audit`: who did what."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
import msgspec
from rich.console import Console
from rich.text import Text

from chargehand.cli.plain_text import plain_value
from chargehand.cli.remote.master import Parameter, RemoteMaster, Row
from chargehand.cli.remote.options import json_option, on_a_master

_DAY = 24 * 3600


@click.command()
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--user", help="Only what this user did.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--days", type=click.FloatRange(0), help="Only the last so many days.")
@json_option
@on_a_master
async def audit(
    master: RemoteMaster,
    limit: int,
    user: str | None,
    refused: bool,
    days: float | None,
    as_json: bool,
) -> None:
    """Show who did what: orders, and what was refused.

    The newest is last. With --json there is one object on each line.
    """
    chosen: dict[str, Parameter] = {"limit": limit}
    if user is not None:
        chosen["user"] = user
    if refused:
        chosen["is_allowed"] = False
    if days is not None:
        chosen["happened_at__ge"] = round(time.time() - days * _DAY)
    rows = (await master.rows("audit", order="-auditid", **chosen))[::-1]
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row).decode())
        return
    if not rows:
        click.echo("Nobody has ordered anything.")
        return
    console = Console(highlight=False)
    for line in _lines([_Entry.of(row) for row in rows]):
        console.print(line, soft_wrap=True)


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the audit log."""

    happened_at: float
    action: str
    path: str
    user: str
    origin: str
    is_allowed: bool
    details: dict[str, object]
    reason: str

    @classmethod
    def of(cls, row: Row) -> _Entry:
        """Return the row without what could control a terminal."""
        return msgspec.convert(plain_value(row), cls)


def _lines(entries: list[_Entry]) -> Iterator[Text]:
    width = max(len(_who(entry)) for entry in entries)
    for entry in entries:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.happened_at))
        line = Text.assemble((moment, "bright_black"), f"  {_who(entry):<{width}}  ")
        details = " ".join(f"{name}={value}" for name, value in entry.details.items())
        line.append(" ".join(filter(None, (entry.action, entry.path, details))))
        if not entry.is_allowed:
            line.append(f"  refused: {entry.reason}", style="red")
        elif entry.reason:
            line.append(f"  {entry.reason}", style="bright_black")
        yield line


def _who(entry: _Entry) -> str:
    return f"{entry.user or 'an anonymous visitor'} ({entry.origin or 'unknown address'})"
