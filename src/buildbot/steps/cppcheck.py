"""Checking C and C++ with Cppcheck."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator
from typing import Any, ClassVar

from buildbot._border.bridge import outgoing
from buildbot.process.buildstep import BuildStep
from buildbot.process.logobserver import LineConsumerLogObserver
from buildbot.process.results import FAILURE, SUCCESS, WARNINGS, worst_status
from buildbot.process.shell_mixin import ShellMixin


class Cppcheck(ShellMixin, BuildStep):
    """Run ``cppcheck``; an error makes the step FAILURE, any other message WARNINGS.

    Messages of a severity are in the log ``SEVERITY log``; their number is in the statistic and
    the property ``cppcheck-SEVERITY``, and all of them in ``cppcheck-total``.

    Args:
        source (list[str], renderable): Files and directories to check.
        binary (str, renderable): The cppcheck program of the worker: a path or a name.
        enable (list[str], renderable): Kinds of checks to switch on (`--enable`).
        inconclusive (bool, renderable): Report what is not certain, too (`--inconclusive`).
        extra_args (list[str], renderable): Arguments after those that enable and inconclusive add.
    """

    MESSAGES = ("error", "warning", "style", "performance", "portability", "information")
    FLUNKING = ("error",)

    name = "cppcheck"
    description: Any = ["running", "cppcheck"]
    descriptionDone: Any = ["cppcheck"]
    renderables: ClassVar[Any] = ["binary", "enable", "extra_args", "inconclusive", "source"]
    _message = re.compile(r"\(([a-z]+)(?:, inconclusive)?\) |: ([a-z]+)(?:, inconclusive)?: ")

    def __init__(
        self,
        source: Any = (".",),
        binary: Any = "cppcheck",
        enable: Any = (),
        inconclusive: Any = False,
        extra_args: Any = (),
        **kwargs: Any,
    ) -> None:
        self.source = source
        self.binary = binary
        self.enable = enable
        self.inconclusive = inconclusive
        self.extra_args = extra_args
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)
        self.counts: dict[str, int] = dict.fromkeys(self.MESSAGES, 0)
        self.summaries: dict[str, list[str]] = defaultdict(list)
        self.addLogObserver("stdio", LineConsumerLogObserver(self._consume))

    @outgoing
    async def run(self) -> int:
        """Run it, and count what it says."""
        command = await self.makeRemoteShellCommand(command=self._words())
        await self.runCommand(command)
        await self.getLog("stdio").finish()
        for severity in self.MESSAGES:
            if self.summaries[severity]:
                text = "\n".join(self.summaries[severity]) + "\n"
                await self.addCompleteLog(f"{severity} log", text)
            self._count(severity, self.counts[severity])
        self._count("total", sum(self.counts.values()))
        return worst_status(command.results(), self._result())

    def _count(self, name: str, number: int) -> None:
        self.setProperty(f"cppcheck-{name}", number, "Cppcheck")
        self.setStatistic(f"cppcheck-{name}", number)

    def _result(self) -> int:
        if any(self.counts[severity] for severity in self.FLUNKING):
            return FAILURE
        return WARNINGS if any(self.counts.values()) else SUCCESS

    def _words(self) -> list[Any]:
        words: list[Any] = [self.binary, *_listed(self.source)]
        if self.enable:
            words.append(f"--enable={','.join(_listed(self.enable))}")
        if self.inconclusive:
            words.append("--inconclusive")
        return words + _listed(self.extra_args)

    def _consume(self) -> Generator[None, tuple[str, str], None]:
        while True:
            channel, line = yield
            if channel == "h" or line.startswith("Checking "):
                continue
            if (found := self._message.search(line)) is None:
                continue
            severity = found[1] or found[2]
            if severity in self.counts:
                self.counts[severity] += 1
                self.summaries[severity].append(line)


def _listed(words: Any) -> list[Any]:
    return [words] if isinstance(words, str) else list(words or ())
