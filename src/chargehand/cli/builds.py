"""`builds`: the latest builds of a running master."""

from __future__ import annotations

from collections.abc import Mapping

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chargehand.cli.plain_text import plain_value
from chargehand.cli.remote.finding import builder_named, builder_names
from chargehand.cli.remote.master import Parameter, RemoteMaster
from chargehand.cli.remote.options import complete_builders, json_option, on_a_master, show_json
from chargehand.cli.remote.rows import Build
from chargehand.cli.remote.running import Running, running_builds
from chargehand.cli.showing import COLOURS, SIGNS
from chargehand.domain.result import Result
from chargehand.kit.clock import SystemClock
from chargehand.kit.durations import ago, duration

_RESULTS = [result.word for result in Result]


@click.command()
@click.argument("builder", required=False, shell_complete=complete_builders)
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--running", is_flag=True, help="Only running builds.")
@click.option(
    "--result",
    "results",
    type=click.Choice(_RESULTS),
    multiple=True,
    help="Only builds with this result; may be repeated.",
)
@click.option("-b", "--branch", help="Only builds of this branch, among the latest 1,000.")
@json_option
@on_a_master
async def builds(
    master: RemoteMaster,
    builder: str | None,
    limit: int,
    running: bool,
    results: tuple[str, ...],
    branch: str | None,
    as_json: bool,
) -> None:
    """List the latest builds, of BUILDER or of all builders."""
    path = "builds"
    if builder is not None:
        path = f"builders/{(await builder_named(master, builder)).builderid}/builds"
    chosen: dict[str, Parameter | list[Parameter]] = {"limit": 1000 if branch else limit}
    if running:
        chosen["complete"] = False
    if results:
        chosen["results"] = [_RESULTS.index(word) for word in results]
    wanted = ["branch", "got_revision", "revision", "owner"]
    rows = await master.rows(path, order="-buildid", property=wanted, **chosen)
    names = await builder_names(master)
    found = [msgspec.convert(plain_value(row), Build) for row in rows]
    if branch is not None:
        found = [build for build in found if build.property("branch") == branch][:limit]
    now = await running_builds(master, found)
    if as_json:
        ids = {build.buildid for build in found}
        kept = [row for row in rows if row["buildid"] in ids]
        show_json([_with_more(row, names, now) for row in kept])
        return
    if not found:
        click.echo("No builds.")
        return
    Console(highlight=False).print(table_of(found, names, now.doing))


def _with_more(row: Mapping[str, object], names: dict[int, str], now: Running) -> dict[str, object]:
    """Return a build as REST has it, with its builder's name and when it is expected to end."""
    more: dict[str, object] = {"buildername": names.get(int(str(row["builderid"])))}
    if row["buildid"] in now.doing:
        more["etas"] = [eta for eta in now.etas if eta.buildid == row["buildid"]]
    return {**row, **more}


def table_of(
    builds: list[Build], names: dict[int, str], running: Mapping[int, str] | None = None
) -> Table:
    """Return builds as a table for the terminal; *running* says what running ones do, by id."""
    table = Table.grid(padding=(0, 2))
    now = SystemClock().now().timestamp()
    for build in builds:
        result = build.result
        sign = Text("▶") if result is None else Text(SIGNS[result], style=COLOURS[result])
        revision = build.property("got_revision") or build.property("revision")
        took = (build.complete_at or now) - build.started_at
        state = (running or {}).get(build.buildid) or build.state_string
        table.add_row(
            sign,
            Text(f"{names.get(build.builderid, build.builderid)}#{build.number}", style="bold"),
            Text(build.property("branch")),
            Text(revision[:10], style="bright_black"),
            Text(ago(now - build.started_at)),
            Text(duration(took)),
            Text(state, style="" if result is None else COLOURS[result]),
        )
    return table
