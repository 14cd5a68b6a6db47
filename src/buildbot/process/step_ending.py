"""How a step's commands ended, in words."""

from __future__ import annotations

from typing import Any

from buildbot._border.rendering import is_constant
from buildbot._border.sequences import join_list
from buildbot.process.results import statusToString
from chargehand.kit.durations import rough


class StepEnding:
    """How a step's commands ended, and the words for it."""

    timed_out = False
    max_lines_reached = False
    results: int | None
    descriptionSuffix: Any
    _last_command: Any = None
    _limit = "timeout"

    def _described(self, description: Any) -> str:
        if not description or not is_constant(description):  # it could not be rendered
            return ""
        words = join_list(description)
        if self.descriptionSuffix:
            words += " " + join_list(self.descriptionSuffix)
        return str(words)

    def _exceeded(self, reason: str, command: Any) -> None:
        """Note which limit a command exceeded."""
        self._last_command = command
        self._limit = "maxTime" if reason == "timeout" else "timeout"
        if reason in ("timeout", "timeout_without_output"):
            self.timed_out = True
        elif reason == "max_lines_failure":
            self.max_lines_reached = True

    def _detail(self, words: str, plain: set[str]) -> str:
        """Return what is special about the end: a limit, or the step's own words in its summary
        (which are other than *plain*)."""
        arguments = {} if self._last_command is None else self._last_command.args
        if self.timed_out:
            seconds = arguments.get(self._limit)
            if not isinstance(seconds, int | float):
                return "timed out"
            return f"timed out after {rough(seconds)}"
        if self.max_lines_reached:
            limit = arguments.get("max_lines")
            return f"more than {limit} lines" if isinstance(limit, int) else "too many lines"
        return "" if words in plain else words.removesuffix(f" ({statusToString(self.results)})")

    @property
    def _exit_code(self) -> int | None:
        """The exit code of the command that ran last, where it says that something went wrong."""
        code = None if self._last_command is None else self._last_command.rc
        return code if isinstance(code, int) and code > 0 else None
