"""A master as a process: its log, its pid file, its signals."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable

from chargehand.app.extension import described
from chargehand.app.failure import CommandFailed, PartlyApplied
from chargehand.app.master import Master
from chargehand.cli.basedir import Basedir, PidFile
from chargehand.cli.file_modes import keep_private
from chargehand.cli.log_output import log_to
from chargehand.cli.phrases import READY, RECONFIGURE_ABORTED, RECONFIGURE_FAILED, RECONFIGURED
from chargehand.cli.started_report import StartedReport
from chargehand.cli.stopping import STOP_SECONDS, Stopping
from chargehand.config.errors import ConfigErrors
from chargehand.kit import guard
from chargehand.kit.loop import run
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks
from chargehand.kit.watchdog import Watchdog

_log = logging.getLogger("chargehand.master")


def serve(
    basedir: Basedir,
    *,
    terminal: bool,
    verbose: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> int:
    """Run the master of a directory until it receives a signal to stop; return the exit status.

    The directory becomes the working directory: configurations name files relative to it.
    *report* is called once: with the reason why the master could not start, or with a StartedReport
    as text.
    """
    redaction = Redaction()
    pid_file = PidFile(basedir.pid_path)
    keep_private(basedir.path, basedir.umask)
    try:
        try:
            pid_file.take()
            log_to(basedir, terminal=terminal, verbose=verbose, redaction=redaction)
        except OSError as error:
            reason = error.strerror or error
            where = error.filename or f"in {basedir.path}"
            raise CommandFailed(f"cannot write {where}: {reason}") from error
        os.chdir(basedir.path)
        return run(_Service(basedir, report, redaction).run())
    except CommandFailed as failure:
        report(str(failure))
        if terminal:
            raise
        return failure.status
    finally:
        pid_file.give_up()


class _Service:
    """Translates signals into calls on the master."""

    def __init__(
        self,
        basedir: Basedir,
        report: Callable[[str], None],
        redaction: Redaction,
    ) -> None:
        self._basedir = basedir
        self._report = report
        self._master = Master(
            basedir=basedir.path,
            config_path=basedir.config_path,
            redaction=redaction,
        )
        self._started = asyncio.Event()
        self._told_to_stop = asyncio.Event()
        self._tasks = Tasks("signals")
        self._reconfiguring = asyncio.Lock()
        self._reconfigurations = 0
        self._watchdog = Watchdog()
        self._stopping = Stopping(self._master)

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reconfigure)
        loop.add_signal_handler(signal.SIGUSR1, self._stop_when_idle)
        self._watchdog.start()
        try:
            await self._start_or_stop()
            self._started.set()
            # Until now, SIGINT interrupted the configuration's own code.
            loop.add_signal_handler(signal.SIGINT, self._interrupted)
            self._report(str(self._started_report()))
            await self._told_to_stop.wait()
        except CommandFailed:
            raise
        except Exception:
            _log.exception("the master failed")
            raise
        finally:
            await self._tasks.close()
            await self._stopping.run()
            self._watchdog.stop()
            _log.info("the master has stopped")
        return 0

    async def _start_or_stop(self) -> None:
        """Start; a signal to stop does not wait for configuration code that is still running."""
        starting = asyncio.ensure_future(self._start())
        told = asyncio.ensure_future(self._told_to_stop.wait())
        try:
            await asyncio.wait((starting, told), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise CommandFailed("the master was stopped while it was starting")
            starting.result()
        finally:
            starting.cancel()
            told.cancel()
            await asyncio.wait((starting, told), timeout=STOP_SECONDS)

    async def _start(self) -> None:
        _log.info("starting the master of %s", self._basedir.path)
        try:
            await self._master.start()
        except ConfigErrors as errors:
            text = described(errors, self._basedir.config_path)
            _log.error("%s", text)
            raise CommandFailed(text) from None
        except CommandFailed as failure:
            _log.error("%s", failure)
            raise
        _log.info("%s; %s", READY, self._master.summary())

        self._log_failed_parts()

    def _started_report(self) -> StartedReport:
        master = self._master
        return StartedReport(
            urls=", ".join(master.urls),
            warnings=tuple(map(str, master.config.warnings)),
            failed=tuple(part.sentence for part in master.failed_parts),
        )

    def _log_failed_parts(self) -> None:
        """Say it once more, after all else, in one line each: people and `reconfig` look there."""
        for part in self._master.failed_parts:
            _log.error("%s", part.sentence)

    def _interrupted(self) -> None:
        if self._told_to_stop.is_set():
            self._stopping.hurry()
        else:
            self._stop()

    def _stop(self) -> None:
        _log.info("shutting down on request; running builds are returned to the queue")
        self._told_to_stop.set()

    def _stop_when_idle(self) -> None:
        _log.info("shutting down once running builds have finished; starting no more builds")
        self._tasks.spawn(self._wait_and_stop(), name="stop when idle")

    async def _wait_and_stop(self) -> None:
        await self._started.wait()
        await self._master.finish_builds()
        self._told_to_stop.set()

    def _reconfigure(self) -> None:
        self._tasks.spawn(self._read_configuration_again(), name="reconfigure")

    async def _read_configuration_again(self) -> None:
        await self._started.wait()
        async with self._reconfiguring:
            self._reconfigurations += 1
            _log.info("reloading %s", self._basedir.config_path, extra=self._ids)
            with guard.Guard(_reading_failed):
                await self._apply_configuration()

    async def _apply_configuration(self) -> None:
        try:
            summary = await self._master.reconfigure()
        except ConfigErrors as errors:
            _log.error("%s", described(errors, self._basedir.config_path), extra=self._ids)
            _log.info(RECONFIGURE_ABORTED, extra=self._ids)
        except PartlyApplied as failure:
            _log.error("%s", failure, extra=self._ids)
            _log.error(RECONFIGURE_FAILED, extra=self._ids)
        except CommandFailed as failure:
            _log.error("%s", failure, extra=self._ids)
            _log.info(RECONFIGURE_ABORTED, extra=self._ids)
        else:
            self._log_failed_parts()
            _log.info("%s: %s", RECONFIGURED, summary, extra=self._ids)

    @property
    def _ids(self) -> dict[str, object]:
        """What lines about the current reconfiguration have as JSON besides their text."""
        return {"ids": {"reconfiguration": self._reconfigurations}}


def _reading_failed(error: Exception) -> None:
    """Log the outcome: `reconfig` waits for it."""
    _log.error("reloading the configuration failed", exc_info=guard.described(error))
    _log.error(RECONFIGURE_FAILED)
