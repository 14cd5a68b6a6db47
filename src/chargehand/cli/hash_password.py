"""The command hash-password."""

from __future__ import annotations

import sys

import click

from chargehand.app.failure import CommandFailed
from chargehand.kit.hashed_passwords import hashed


@click.command("hash-password")
def hash_password() -> None:
    """Print what to write into a configuration instead of the password of a worker or a user.

    Asks for the password, or reads it from standard input.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise CommandFailed("There is no password on standard input.")
    click.echo(hashed(str(password)))
