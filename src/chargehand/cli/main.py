"""The command line: `chargehand`, also installed as `buildbot` for scripts and muscle memory.

Commands import what they need when they run, so that `--help` and `start` are quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from keyword import iskeyword

import click

from chargehand.app.failure import CommandFailed
from chargehand.cli.git import forget_callers_repository
from chargehand.kit.pauses import without_pauses

_COMMANDS = {
    "create-master": ("create_master", "Create a directory for a master."),
    "upgrade-master": ("create_master", "Upgrade a master's directory and database."),
    "check-database": ("check_database", "Find and repair damage in a master's database."),
    "checkconfig": ("check_configuration", "Check a configuration without running it."),
    "check-security": ("check_security", "List what of a master others can misuse."),
    "upgrade-config": ("upgrade_config", "Rewrite an old configuration in current style."),
    "start": ("process_control", "Start a master."),
    "stop": ("process_control", "Stop a master."),
    "restart": ("process_control", "Stop a master and start it again."),
    "reconfig": ("process_control", "Reload the configuration of a running master."),
    "status": ("status", "Show what is running, what is waiting, and why."),
    "builds": ("builds", "List the latest builds."),
    "logs": ("logs", "Print or follow the logs of a build."),
    "why": ("why", "Explain a build, a request, or a change."),
    "who-may": ("who_may", "Say who may do what, and which rule decides."),
    "audit": ("audit", "Show who did what."),
    "token": ("token", "Make, list and revoke API tokens."),
    "force": ("force", "Start a build."),
    "rebuild": ("force", "Rebuild a build."),
    "cancel": ("cancel", "Stop a build, or cancel a request."),
    "sendchange": ("send_change", "Send a change to a master."),
    "run": ("run_builder", "Run one builder on this machine, without a master."),
    "create-worker": ("workers", "Create a directory for a worker."),
    "hash-password": ("hash_password", "Hash a password for a configuration."),
    "worker": ("workers", "Run and control a worker."),
    "try": ("try_build", "Build what is changed in a working copy."),
    "tryserver": ("try_server", "Put a try job that comes over SSH into a jobdir."),
    "demo": ("demo", "Run a master that builds a sample repository."),
    "completion": ("completion", "Print the shell's completion script."),
}
_NEEDING_ALL = frozenset({"create-master", "upgrade-master", "checkconfig", "start", "restart"})
"""The commands that say which package is of the wrong version, and who brought it."""
_OTHER_NAMES = {"reconfigure": "reconfig", "sighup": "reconfig"}
_NOT_SUPPORTED = {
    "user": "there are no user accounts yet",
    "copy-db": "copy the database with the database's own tools",
    "cleanupdb": "the database needs no cleaning up",
    "dataspec": "a running master serves the specification at /api/v2/application.spec",
    "dev-proxy": "the master renders the pages itself",
}


class _Commands(click.Group):
    """Commands by name; each module is imported when its command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = _OTHER_NAMES.get(cmd_name, cmd_name)
        if name not in _COMMANDS:
            return None
        if name in _NEEDING_ALL:
            from chargehand.app.requirements import check_requirements

            check_requirements()
        with without_pauses():  # Imported modules are not garbage.
            module = import_module(f"chargehand.cli.{_COMMANDS[name][0]}")
        function = f"{name}_" if iskeyword(name) else name.replace("-", "_")
        command = getattr(module, function)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            if args[0] in _NOT_SUPPORTED:
                raise CommandFailed(
                    f"{args[0]} is not supported: {_NOT_SUPPORTED[args[0]]}."
                ) from None
            near = difflib.get_close_matches(args[0], _COMMANDS, 1)
            if near:
                raise click.UsageError(f'{error.message} Did you mean "{near[0]}"?', ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chargehand", prog_name="chargehand")
@click.option("--verbose", "-v", is_flag=True, help="Log more, including tracebacks.")
@click.pass_context
def commands(context: click.Context, verbose: bool) -> None:
    """Continuous integration that loses nothing and explains every wait.

    A master decides what to build, when and where; workers run the builds. Start with
    `chargehand demo` or `chargehand create-master DIR`.
    """
    context.obj = {"verbose": verbose}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; report a user's mistake in one message, with exit status 1."""
    arguments = sys.argv[1:] if arguments is None else arguments
    forget_callers_repository()
    try:
        result: object = commands.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except CommandFailed as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(error.status)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.secho(f"{where}{error.strerror or error}", fg="red", err=True)
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
