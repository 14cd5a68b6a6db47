"""`run`: run one builder on this machine, on a temporary master."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import tempfile
from pathlib import Path

import click
from rich.console import Console

from chargehand.app.extension import described
from chargehand.app.failure import CommandFailed
from chargehand.app.master import Master
from chargehand.cli.check_configuration import configuration_of
from chargehand.cli.live import LiveView
from chargehand.cli.run_sources import SourceOptions, choose, parse_source_options
from chargehand.cli.stopping import Stopping, leave
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig, WebConfig, WorkerConfig
from chargehand.domain.build import Build
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.kit import loop
from chargehand.kit.tasks import Tasks
from chargehand.kit.values import replace

_OF_THE_ENVIRONMENT = ("environment", "inherit_environment")
"""Settings of a local worker that count here, too."""
_NAMES_SHOWN = 20


@click.command()
@click.argument("builder", default="")
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, exists=True),
    default="master.cfg",
    show_default=True,
    help="Configuration file, or the directory it is in.",
)
@click.option(
    "-s",
    "--source",
    "sources",
    metavar="[CODEBASE=]DIR",
    multiple=True,
    help="Build this directory, including uncommitted files; may be repeated.",
)
@click.option("-p", "--property", "properties", multiple=True, help="NAME=VALUE; may be repeated.")
@click.option("-b", "--branch", help="Branch to build.")
@click.option("-r", "--revision", help="Revision to build.")
@click.option(
    "--workdir",
    type=click.Path(path_type=Path),
    help="Build in this directory, and keep it. Default: a temporary directory.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show steps but not their output.")
@click.option("--details", is_flag=True, help="Also show each command's directory and environment.")
def run(
    builder: str,
    config_path: Path,
    sources: tuple[str, ...],
    properties: tuple[str, ...],
    branch: str | None,
    revision: str | None,
    workdir: Path | None,
    quiet: bool,
    details: bool,
) -> int:
    """Run BUILDER on this machine, without a running master. A configuration's only builder need
    not be named.

    The master is temporary, a local worker replaces the builder's workers, and schedulers, change
    sources, services and web pages are off. Exit status: 0 for success (or warnings), 1 for any
    other result.
    """
    config_path, _ = configuration_of(config_path)
    given = _parsed(properties)
    source_options = parse_source_options(sources, branch, revision)
    place = Path(tempfile.mkdtemp(prefix="chargehand-run-"))
    try:
        run_here = _Run(
            builder=builder,
            config_path=config_path,
            place=place,
            workdir=workdir,
            source_options=source_options,
        )
        status = loop.run(run_here(given, show_output=not quiet, show_details=details))
    except ConfigErrors as errors:
        raise CommandFailed(described(errors, config_path)) from None
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return leave(status)


def _parsed(properties: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    result = {}
    for text in properties:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f'--property must be NAME=VALUE, not "{text}"')
        result[name] = (value, "command line")
    return result


class _Run:
    """One run on a temporary master."""

    def __init__(
        self,
        *,
        builder: str,
        config_path: Path,
        place: Path,
        workdir: Path | None,
        source_options: SourceOptions,
    ) -> None:
        self._builder = builder
        self._source_options = source_options
        self._stamps: tuple[SourceStamp, ...] = ()
        self._place = place
        self._workdir = workdir
        basedir = place / "master"
        basedir.mkdir()
        self._master = Master(
            basedir=basedir, config_path=config_path, adjust=self._only_the_builder
        )
        self._tasks = Tasks("run")

    async def __call__(
        self,
        properties: dict[str, tuple[str, str]],
        *,
        show_output: bool,
        show_details: bool,
    ) -> int:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
        stopped = asyncio.Event()
        stopping = Stopping(self._master)

        def interrupted() -> None:
            if stopped.is_set():
                stopping.hurry()
            stopped.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, interrupted)
        try:
            await self._master.start()
            view = LiveView(
                console=Console(highlight=False),
                bus=self._master.bus,
                read_lines=self._master.read_lines,
                builder_name=self._master.builder_name,
                show_output=show_output,
                show_details=show_details,
            )
            self._tasks.spawn(view.run(), name="live view")
            await asyncio.sleep(0)  # the view listens from here on
            await self._master.submit(
                NewBuildset(
                    builder_ids=(self._master.builder_id(self._builder),),
                    source_stamps=self._stamps,
                    reason="run from the command line",
                    scheduler="run",
                    properties=properties,
                )
            )
            finished = self._tasks.spawn(self._last_build(view), name="build")
            stop = self._tasks.spawn(stopped.wait(), name="wait for Ctrl-C")
            await asyncio.wait([finished, stop], return_when=asyncio.FIRST_COMPLETED)
            if not finished.done():
                view.show_interrupted()
                return 130
            return 0 if finished.result().result in (Result.SUCCESS, Result.WARNINGS) else 1
        finally:
            await self._tasks.close()
            await stopping.run()

    async def _last_build(self, view: LiveView) -> Build:
        """Return the build that is not retried; a lost worker causes a retry."""
        while True:
            build = await view.next_finished()
            if build.result is not Result.RETRY:
                return build

    def _only_the_builder(self, config: MasterConfig) -> MasterConfig:
        builders = {builder.name: builder for builder in config.builders}
        if not self._builder and len(builders) == 1:
            (self._builder,) = builders
        if self._builder not in builders:
            raise CommandFailed(self._no_such_builder(list(builders)))
        builder = builders[self._builder]
        chosen = choose(self._source_options, builder.plan.sources(), self._place)
        self._stamps = chosen.stamps
        builder = replace(builder, env={**builder.env, **chosen.environment})
        configured = {worker.name: worker for worker in config.workers}
        name = builder.worker_names[0]
        worker = configured.get(name, WorkerConfig(name=name, kind="local"))
        settings: dict[str, object] = {
            "reconnect_timeout": 0.0,
        }
        for key in _OF_THE_ENVIRONMENT:
            if key in worker.settings:
                settings[key] = worker.settings[key]
        if self._workdir:
            settings["workdir"] = str(self._workdir.resolve())
        worker = replace(
            worker, kind="local", max_builds=1, settings=settings, extension=None, instance=None
        )
        return replace(
            config,
            builders=(replace(builder, worker_names=(name,)),),
            workers=(worker,),
            schedulers=(),
            change_sources=(),
            services=(),
            protocols={},
            worker_ports=(),
            web=WebConfig(),
            db_url="sqlite:///state.sqlite",
            warnings=(),
        )

    def _no_such_builder(self, names: list[str]) -> str:
        import difflib

        if not self._builder:
            more = ", …" if len(names) > _NAMES_SHOWN else ""
            return f"name the builder to run: {', '.join(names[:_NAMES_SHOWN])}{more}"
        near = difflib.get_close_matches(self._builder, names, 3)
        hint = (
            " Did you mean " + " or ".join(f'"{one}"' for one in near) + "?"
            if near
            else f" Builders: {', '.join(names[:_NAMES_SHOWN])}"
        )
        return f'the configuration has no builder "{self._builder}".{hint}'
