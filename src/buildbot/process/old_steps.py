"""Running steps in the style of Buildbot 0.8: ``start()`` begins the work, ``finished()`` ends it.

A step whose class defines ``start()`` and no ``run()`` runs so. Methods such as ``evaluateCommand``
are asked in all steps that run a command and do not define ``run()`` themselves.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from buildbot._border.bridge import inward, settled
from buildbot._border.sequences import join_list
from buildbot._border.text import command_to_string
from buildbot.process.old_status import StepStatus
from buildbot.process.old_style import is_overridden, own_run
from buildbot.process.results import (
    EXCEPTION,
    FAILURE,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    statusToString,
)
from chargehand.execution.rules import as_result
from chargehand.kit.guard import Guard, contained
from chargehand.kit.tasks import Tasks

_ANNOTATIONS = {WARNINGS: ["warnings"], FAILURE: ["failed"], EXCEPTION: ["exception"]}


class OldStyleStep:
    """What old-style steps define, call and use."""

    name: Any
    cmd: Any
    build: Any
    worker: Any
    logs: dict[str, Any]
    results: int | None
    description: Any
    descriptionDone: Any
    descriptionSuffix: Any
    haltOnFailure: Any
    flunkOnFailure: Any
    flunkOnWarnings: Any
    warnOnFailure: Any
    warnOnWarnings: Any
    _tasks: Tasks
    _has_old_hooks: bool
    command: Any = None
    log_eval_func: Any = None
    logfiles: Any = {}
    lazylogfiles: Any = False
    _ending: asyncio.Future[int] | None = None

    # Beginning and ending

    def start(self) -> Any:
        """Begin the work of the step; `finished` is called at its end.

        An overriding method may call this one: what the step does by itself begins then.
        """
        run = own_run(type(self))
        if run is None:
            raise NotImplementedError(f"{type(self).__name__} must implement run() or start()")
        self._begin_work(self._run_own(run))

    def finished(self, results: int) -> Any:
        """End the step with this result. Only the first call counts."""
        if self._ending is None or self._ending.done():
            return
        result = as_result(results)
        if result is None:
            message = f"finished() needs a result such as SUCCESS, not {results!r}"
            self._ending.set_exception(TypeError(message))
        else:
            self._ending.set_result(int(result))

    def failed(self, why: Any) -> None:
        """End the step with an exception, or a Failure."""
        if self._ending is None or self._ending.done():
            return
        cause = getattr(why, "value", why)
        if not isinstance(cause, Exception) or isinstance(cause, StopIteration):
            cause = RuntimeError(f"{type(cause).__name__}: {cause}")
        self._ending.set_exception(cause)

    async def _run_old_style(self) -> int:
        """Call ``start()`` and wait for ``finished()``."""
        self._ending = asyncio.get_running_loop().create_future()
        begun = await inward(self.start)
        if as_result(begun) == SKIPPED:
            self.finished(SKIPPED)
        return await self._ending

    def _begin_work(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.spawn(self._watched(work), name=f"step {self.name}")

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        with Guard(self.failed):
            await work

    async def _run_own(self, run: Any) -> None:
        await inward(self.finished, await inward(run, self))

    # Commands

    def startCommand(self, cmd: Any, errorMessages: Sequence[str] = ()) -> None:
        """Run a command with its output in the log ``stdio``, and end the step with its result."""
        self._begin_work(self._run_command(cmd, errorMessages))

    async def _run_command(self: Any, cmd: Any, messages: Sequence[str]) -> None:
        log = self.logs.get("stdio") or self._new_log("stdio")
        cmd.useLog(log, closeWhenFinished=True)
        for message in messages:
            log.addHeader(message)
        await inward(self.setupLogfiles, cmd, self.logfiles or {})
        await inward(self.runCommand, cmd)
        await inward(self.finished, await self._judged(cmd))

    async def _result_of(self, cmd: Any) -> int:
        """Return the result of a command that has ended; overridden methods are asked for it."""
        if self._has_old_hooks:
            return await self._judged(cmd)
        result: int = cmd.results()
        return result

    async def _judged(self, cmd: Any) -> int:
        await inward(self.commandComplete, cmd)
        await self._summarise(cmd)
        result: int = await inward(self.evaluateCommand, cmd)
        await inward(self.setStatus, cmd, result)
        return result

    async def _summarise(self, cmd: Any) -> None:
        takes_log = bool(inspect.signature(self.createSummary).parameters)
        log = cmd.logs.get(cmd.stdioLogName) or self.logs.get("stdio")
        await inward(self.createSummary, *([log] if takes_log else []))

    def commandComplete(self, cmd: Any) -> Any:
        """Called when the command has ended."""

    def createSummary(self, log: Any) -> Any:
        """Add logs that summarize the output of the command, *log*; may take no argument."""

    def evaluateCommand(self, cmd: Any) -> Any:
        """Return the result that a command stands for."""
        if self.log_eval_func is not None:
            return self.log_eval_func(cmd, self.step_status)
        return cmd.results()

    def setCommand(self, command: Any) -> None:
        """Run this command; call it before the step starts it."""
        self.command = command

    def setupEnvironment(self, cmd: Any) -> Any:
        """Change the command's environment, in ``cmd.args["env"]``, before it runs."""

    async def _set_up(self, cmd: Any) -> None:
        """Let an overridden method change the command's environment."""
        if self._has_old_hooks:
            cmd.args["env"] = cmd.args.get("env") or {}
            await inward(self.setupEnvironment, cmd)

    def setupLogfiles(self: Any, cmd: Any = None, logfiles: Mapping[str, Any] | None = None) -> Any:
        """Let the files that the worker watches have logs; without a command do nothing."""
        if cmd is not None:
            found = logfiles or {}
            cmd.args["logfiles"] = {**(cmd.args.get("logfiles") or {}), **found}
            self._watch_logfiles(cmd, found, self.lazylogfiles)
        return settled(None)

    def buildCommandKwargs(self: Any, warnings: list[str]) -> dict[str, Any]:
        """Return the arguments for the RemoteShellCommand of a step that runs a program."""
        return dict(self._new_command_arguments())

    def addFactoryArguments(self, **kwargs: Any) -> None:
        """Do nothing: a step remembers the arguments of its constructor."""

    # Words

    @property
    def step_status(self) -> StepStatus:
        """What old-style steps tell of themselves, and ask."""
        found: StepStatus | None = self.__dict__.get("_step_status")
        if found is None:
            found = self.__dict__["_step_status"] = StepStatus(self)
        return found

    def describe(self, done: bool = False) -> list[str]:
        """Return words for what the step does, or did."""
        words = self.descriptionDone if done and self.descriptionDone else self.description
        if not words:
            words = command_to_string(self.command) or str(self.name)
        suffix = self.descriptionSuffix
        return [*_listed(words), *(_listed(suffix) if suffix else [])]

    def getText(self, cmd: Any, results: int) -> list[str] | None:
        """Return words for how the step ended."""
        return [*self.describe(True), *_ANNOTATIONS.get(results, [])]

    def getText2(self, cmd: Any, results: int) -> list[str] | None:
        """Return words for the build's sentence."""
        return [str(self.name)]

    def maybeGetText2(self, cmd: Any, results: int) -> list[str] | None:
        """Return words for the build's sentence, if the result bears on the build."""
        if results == SUCCESS:
            return []
        if results == WARNINGS and not (self.flunkOnWarnings or self.warnOnWarnings):
            return []
        if results == FAILURE and not (
            self.haltOnFailure or self.flunkOnFailure or self.warnOnFailure
        ):
            return []
        return self.getText2(cmd, results)

    def setStatus(self, cmd: Any, results: int) -> Any:
        """Say in words how the step ended, where methods for that are overridden."""
        kind = type(self)
        if is_overridden(kind, "getText"):
            self.step_status.say(_listed(self.getText(cmd, results)), is_complete=True)
        if is_overridden(kind, "getText2") or is_overridden(kind, "maybeGetText2"):
            self.step_status.setText2(self.maybeGetText2(cmd, results) or [])

    def _old_words(self) -> str | None:
        """Return what an old-style step says that it does; None for all others."""
        status = self.__dict__.get("_step_status")
        if status is not None and status.words:
            return join_list(status.words)
        if self._has_old_hooks and is_overridden(type(self), "describe"):
            return join_list(_listed(contained(self.describe, False)))
        return None

    def _old_summary(self) -> dict[str, str] | None:
        """Return how an old-style step ended, in its own words; None for all others."""
        kind = type(self)
        status: StepStatus | None = self.__dict__.get("_step_status")
        if status is None and not self._has_old_hooks:
            return None
        if is_overridden(kind, "getResultSummary"):
            return None
        words: list[str] = []
        is_complete = False
        if status is not None and status.words:
            words, is_complete = status.words, status.is_complete
        elif self._has_old_hooks and is_overridden(kind, "describe"):
            words = _listed(contained(self.describe, True))
        of_build = status.words_of_build if status is not None else []
        if not words and not of_build:
            return None
        sentence = join_list(words or contained(self.describe, True))
        if self.results != SUCCESS and not is_complete:
            sentence += f" ({statusToString(self.results)})"
        return {"step": sentence, **({"build": join_list(of_build)} if of_build else {})}

    # The worker, under its old name

    @property
    def buildslave(self) -> Any:
        """The worker."""
        return self.worker

    def slaveVersion(self: Any, command: str, oldversion: str | None = None) -> Any:
        """Return the version of a command on the worker: the old name of `workerVersion`."""
        return self.workerVersion(command, oldversion)

    def slaveVersionIsOlderThan(self: Any, command: str, minversion: str) -> Any:
        """Return whether the worker has no such command, or an older one."""
        return self.workerVersionIsOlderThan(command, minversion)

    def checkSlaveHasCommand(self: Any, command: str) -> Any:
        """Raise WorkerSetupError if the worker has no such command."""
        return self.checkWorkerHasCommand(command)

    def getSlaveName(self: Any) -> Any:
        """Return the worker's name."""
        return self.getWorkerName()

    def setBuildSlave(self: Any, worker: Any) -> Any:
        """Take the worker, before the step runs."""
        return self.setWorker(worker)


def _listed(words: Any) -> list[str]:
    return [words] if isinstance(words, str) else [str(word) for word in words or ()]
