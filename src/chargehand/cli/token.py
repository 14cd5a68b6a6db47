"""`token`: API tokens, made, listed and revoked."""

from __future__ import annotations

import time

import click
import msgspec
from rich.console import Console
from rich.table import Table

from chargehand.cli.plain_text import plain_value
from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.options import json_option, on_a_master, show_json

_SCOPES = ("read", "force", "stop", "admin")


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token, as the master lists it."""

    tokenid: int
    label: str
    user: str
    actions: list[str]
    builders: list[str]
    ends_at: float
    used_at: float | None
    used_from: str


@click.group()
def token() -> None:
    """Make, list and revoke API tokens, with which programs log in.

    They are sent as the header "Authorization: Bearer TOKEN"; for chargehand's own commands with
    --url set CHARGEHAND_TOKEN.
    """


@token.command()
@click.argument("label")
@click.option("--for", "user", metavar="NAME", help="Whose it is. Default: yours.")
@click.option("--email", help="The address of NAME, for rules that go by it.")
@click.option("--group", "groups", multiple=True, help="A group of NAME; may be given repeatedly.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(_SCOPES),
    help="What it may do in addition to reading; may be given repeatedly.",
)
@click.option(
    "--builder", "builders", multiple=True, help="Only for this builder; may be given repeatedly."
)
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="How long.")
@json_option
@on_a_master
async def make(
    master: RemoteMaster,
    label: str,
    user: str | None,
    email: str | None,
    groups: tuple[str, ...],
    scopes: tuple[str, ...],
    builders: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Make a token for what LABEL says. It is shown once."""
    fields: dict[str, object] = {
        "label": label,
        "actions": list(scopes),
        "builders": list(builders),
        "days": days,
    }
    if user is not None:
        fields |= {"user": user, "email": email or "", "groups": list(groups)}
    elif email is not None or groups:
        raise click.UsageError("--email and --group need --for NAME")
    made = await master.send("POST", "auth/tokens", fields)
    if as_json:
        show_json(made)
        return
    click.echo(made["token"])
    ends = time.strftime("%Y-%m-%d", time.localtime(float(str(made["ends_at"]))))
    click.echo(
        f'Token {made["tokenid"]} "{made["label"]}" of {made["user"]} holds until {ends}. '
        "It is not shown again.",
        err=True,
    )


@token.command("list")
@click.option("--user", metavar="NAME", help="Only those of this user.")
@json_option
@on_a_master
async def list_tokens(master: RemoteMaster, user: str | None, as_json: bool) -> None:
    """List tokens: everybody's on the master's machine, elsewhere your own."""
    found = await master.send("GET", "auth/tokens", {} if user is None else {"user": user})
    if as_json:
        show_json(found["tokens"])
        return
    tokens = msgspec.convert(plain_value(found["tokens"]), list[_Token])
    if not tokens:
        click.echo("There are no tokens.")
        return
    table = Table("id", "label", "user", "may", "until", "last used", box=None, highlight=False)
    for one in tokens:
        may = ", ".join(one.actions) + (f" · {', '.join(one.builders)}" if one.builders else "")
        over = one.ends_at <= time.time()
        used = "never" if one.used_at is None else f"{_day(one.used_at)} {one.used_from}"
        until = f"expired {_day(one.ends_at)}" if over else _day(one.ends_at)
        table.add_row(str(one.tokenid), one.label, one.user, may, until, used)
    Console(highlight=False, markup=False).print(table)


@token.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@on_a_master
async def revoke(master: RemoteMaster, number: int) -> None:
    """End a token now."""
    await master.send("DELETE", f"auth/tokens/{number}", {})
    click.echo(f"Token {number} is revoked.")


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))
