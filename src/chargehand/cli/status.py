"""`status`: what a running master is doing, what is waiting, and why."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chargehand.cli.builds import table_of
from chargehand.cli.remote.finding import builder_names
from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.options import json_option, on_a_master, show_json
from chargehand.cli.remote.rows import (
    Build,
    Change,
    ChangeSource,
    Request,
    Why,
    Worker,
)
from chargehand.cli.remote.running import each, running_builds
from chargehand.domain.worker import why_ordered
from chargehand.kit.clock import SystemClock
from chargehand.kit.durations import duration

_NEWEST = 5


@click.command()
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Show at most this many running builds and waiting requests.",
)
@json_option
@on_a_master
async def status(master: RemoteMaster, limit: int, as_json: bool) -> None:
    """Show what is running, what is waiting and why, and which workers and change sources fail."""
    names = await builder_names(master)
    wanted = ["branch", "got_revision", "revision"]
    running = await master.all(
        Build, "builds", complete=False, order="buildid", property=wanted, limit=limit
    )
    waiting = await master.all(
        Request,
        "buildrequests",
        complete=False,
        claimed=False,
        order="buildrequestid",
        limit=limit,
    )
    reasons = await _reasons(master, waiting)
    now = await running_builds(master, running)
    delayed = await _delayed(master)
    workers = await master.all(Worker, "workers", order="name")
    sources = await master.all(ChangeSource, "changesources", order="name")
    failed = await master.failed_parts()
    if as_json:
        show_json(
            {
                "failed": failed,
                "changesources": [source for source in sources if source.is_unwell],
                "delayed": delayed,
                "running": running,
                "etas": now.etas,
                "waiting": _waiting_rows(waiting, reasons, names),
                "workers": workers,
            }
        )
        return
    console = Console(highlight=False)
    for part in failed:
        words = f"{part.kind} {part.name} could not be started; master.log says why"
        console.print(Text(words, style="red"))
    _heading(console, "Running", len(running), limit)
    if running:
        console.print(table_of(running, names, now.doing))
    _heading(console, "Waiting", len(waiting), limit)
    if waiting:
        console.print(_waiting(waiting, reasons, names))
    for change, reason in delayed.items():
        console.print(Text(f"  change:{change}: {reason}"))
    _show_workers(console, workers)
    for source in sources:
        if source.is_unwell:
            words = f"Change source {source.name}: {source.state_string or source.state}"
            console.print(Text(words, style="red" if source.state == "failing" else "yellow"))


async def _reasons(master: RemoteMaster, requests: list[Request]) -> list[Why | None]:
    """Return why each request waits."""
    paths = (f"buildrequests/{request.buildrequestid}/why" for request in requests)
    return [found[0] if found else None for found in await each(master, Why, paths)]


async def _delayed(master: RemoteMaster) -> dict[int, str]:
    """Return the newest changes that wait for a stable tree, with what they wait for."""
    changes = await master.all(Change, "changes", order="-changeid", limit=_NEWEST)
    paths = [f"changes/{change.changeid}/why" for change in changes]
    return {
        change.changeid: reason.sentence
        for change, found in zip(changes, await each(master, Why, paths), strict=True)
        for reason in found
        if reason.kind == "waits_for_stable_tree"
    }


def _heading(console: Console, word: str, count: int, limit: int) -> None:
    number = "nothing" if not count else f"the first {limit}" if count == limit else str(count)
    console.print(Text.assemble((word, "bold"), f": {number}"))


def _waiting_rows(
    requests: list[Request], reasons: list[Why | None], names: dict[int, str]
) -> list[dict[str, object]]:
    """Return the waiting requests for scripts."""
    return [
        {
            "buildrequestid": request.buildrequestid,
            "buildername": names.get(request.builderid),
            "submitted_at": request.submitted_at,
            "why": reason and {"kind": reason.kind, "sentence": reason.sentence},
        }
        for request, reason in zip(requests, reasons, strict=True)
    ]


def _waiting(requests: list[Request], reasons: list[Why | None], names: dict[int, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    now = SystemClock().now().timestamp()
    for request, reason in zip(requests, reasons, strict=True):
        table.add_row(
            Text(f"request:{request.buildrequestid}", style="bright_black"),
            Text(str(names.get(request.builderid, request.builderid)), style="bold"),
            Text(f"for {duration(int(now - request.submitted_at))}"),
            Text("about to start" if reason is None else reason.sentence),
        )
    return table


def _show_workers(console: Console, workers: list[Worker]) -> None:
    connected = [worker for worker in workers if worker.connected_to]
    _heading(console, "Workers", len(workers), -1)
    if len(connected) < len(workers):
        missing = [worker.name for worker in workers if not worker.connected_to]
        _list(console, "not connected", missing)
    for worker in connected:
        if worker.paused or worker.graceful:
            if worker.paused:
                told = why_ordered(worker.pause_reason, worker.paused_by, worker.paused_at)
            else:
                told = why_ordered(worker.stop_reason, worker.stopped_by, worker.stopped_at)
            state = "paused" if worker.paused else "shutting down"
            why = f": {told}" if told else ""
            console.print(Text(f"  {worker.name} is {state}{why}", style="yellow"))
        elif worker.pause_reason:
            console.print(Text(f"  {worker.name}: {worker.pause_reason}", style="yellow"))


def _list(console: Console, word: str, names: list[str], most: int = 20) -> None:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    console.print(Text(f"  {word}: {', '.join(names[:most])}{more}", style="red"))
