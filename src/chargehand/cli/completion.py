"""`completion`: shell completion of commands, options and builder names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from chargehand.app.failure import CommandFailed


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that makes SHELL complete commands, options and builder names.

    \b
    bash: eval "$(chargehand completion bash)"   # in ~/.bashrc
    zsh:  eval "$(chargehand completion zsh)"    # in ~/.zshrc
    fish: chargehand completion fish | source    # in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise CommandFailed(f"{shell} is not supported")
    root = context.find_root().command
    click.echo(kind(root, {}, "chargehand", "_CHARGEHAND_COMPLETE").source())
