"""`logs`: the logs of a build on a running master."""

from __future__ import annotations

import difflib
import sys

import click
import msgspec
from rich.console import Console
from rich.text import Text

from chargehand.app.failure import CommandFailed
from chargehand.cli.remote.finding import build_named, builder_names
from chargehand.cli.remote.following import Follower
from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.options import json_option, on_a_master
from chargehand.cli.remote.rows import Build, Log, Step
from chargehand.cli.showing import log_text
from chargehand.domain.result import Result


@click.command()
@click.argument("build")
@click.argument("step", required=False)
@click.option("--log", "log_name", help="Only the log with this name. Default: all but HTML.")
@click.option("-f", "--follow", is_flag=True, help="Keep printing while the build runs.")
@click.option("--details", is_flag=True, help="Also show each command's directory and environment.")
@click.option("--raw", is_flag=True, help="Print the text as the command wrote it, byte for byte.")
@json_option
@on_a_master
async def logs(
    master: RemoteMaster,
    build: str,
    step: str | None,
    log_name: str | None,
    follow: bool,
    details: bool,
    raw: bool,
    as_json: bool,
) -> int:
    """Print the logs of BUILD, or of one STEP of it (name or number).

    BUILD is BUILDER#NUMBER, BUILDER (its latest build), a build id, or the address of its page.
    With --json, each line is a JSON object.
    """
    found = await build_named(master, build)
    if follow and not (raw or as_json or step or log_name):
        name = (await builder_names(master)).get(found.builderid, str(found.builderid))
        ended = await Follower(master, Console(highlight=False)).build(found, name)
        return 0 if ended.result in (Result.SUCCESS, Result.WARNINGS) else 1
    printer = _Printer(master, details=details, raw=raw, as_json=as_json, follow=follow)
    await printer.show(found, step, log_name)
    return 0


class _Printer:
    def __init__(
        self, master: RemoteMaster, *, details: bool, raw: bool, as_json: bool, follow: bool
    ) -> None:
        self._master = master
        self._details = details
        self._raw = raw
        self._as_json = as_json
        self._follow = follow
        self._console = Console(highlight=False)
        self._follower = Follower(master, self._console)

    async def show(self, build: Build, step_name: str | None, log_name: str | None) -> None:
        """Print the chosen logs, in the order of the steps."""
        steps = await self._master.all(Step, f"builds/{build.buildid}/steps", order="number")
        wanted = steps if step_name is None else [_step_named(steps, step_name)]
        headings = step_name is None or log_name is None
        printed = False
        for step in wanted:
            for log in await self._logs(step, log_name):
                printed = True
                if headings and not (self._raw or self._as_json):
                    heading = Text(f"— {step.name} / {log.name}", style="bold")
                    self._console.print(heading, soft_wrap=True)
                await self._print_log(step, log)
        if not printed and log_name is not None:
            raise CommandFailed(f'no step you named has a log "{log_name}"')

    async def _logs(self, step: Step, name: str | None) -> list[Log]:
        logs = await self._master.all(Log, f"steps/{step.stepid}/logs")
        if name is None:
            return [log for log in logs if log.type != "h"]
        return [log for log in logs if name in (log.name, log.slug)]

    async def _print_log(self, step: Step, log: Log) -> None:
        if self._raw:
            stdout = sys.stdout.buffer
            async for piece in self._master.text(f"logs/{log.logid}/raw_inline"):
                stdout.write(piece)
            return

        def show(lines: list[str]) -> None:
            self._show_lines(step, log, lines)

        if self._follow:
            await self._follower.log(log, show)
            return
        async for lines in self._follower.lines(log):
            show(lines)

    def _show_lines(self, step: Step, log: Log, lines: list[str]) -> None:
        has_channels = log.type == "s"
        if self._as_json:
            for line in lines:
                channel, text = (line[:1], line[1:]) if has_channels else ("o", line)
                found = {"step": step.name, "log": log.name, "channel": channel, "line": text}
                click.echo(msgspec.json.encode(found))
            return
        shown = log_text(lines, has_channels=has_channels, details=self._details, indent="")
        if shown is not None:
            self._console.print(shown, soft_wrap=True, highlight=False)


def _step_named(steps: list[Step], name: str) -> Step:
    for step in steps:
        if step.name == name or str(step.number) == name:
            return step
    names = [step.name for step in steps]
    near = difflib.get_close_matches(name, names, 1)
    hint = f'Did you mean "{near[0]}"? ' if near else ""
    raise CommandFailed(f'the build has no step "{name}". {hint}Steps: {", ".join(names)}.')
