"""Reports about builds: when they finish, or when they begin and finish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, outgoing
from buildbot.reporters.generators.choice import may_be_wanted
from buildbot.reporters.generators.utils import BuildStatusGeneratorMixin
from buildbot.reporters.message import MessageFormatter, MessageFormatterRenderable
from buildbot.reporters.utils import getDetailsForBuild

Row = dict[str, Any]

ENDED = ("builds", None, "finished")
BEGUN = ("builds", None, "new")


class BuildStatusGenerator(BuildStatusGeneratorMixin):
    """Reports builds that finish in a way that ``mode`` names.

    With ``report_new`` it reports each chosen build when it begins, too.

    Args:
        report_new (bool): Report when a build starts, too.
        message_formatter (Any): Formatter of the text; by default reporters.MessageFormatter.
    """

    wanted_event_keys: Sequence[tuple[str | None, ...]] = (ENDED,)
    compare_attrs: ClassVar[Any] = ("formatter", "report_new")

    def __init__(
        self,
        mode: str | Sequence[str] = ("failing", "passing", "warnings"),
        tags: Sequence[str] | None = None,
        builders: Sequence[str] | None = None,
        schedulers: Sequence[str] | None = None,
        branches: Sequence[str | None] | None = None,
        subject: str | None = None,
        add_logs: bool | Sequence[str] | None = None,
        add_patch: bool = False,
        report_new: bool = False,
        message_formatter: Any = None,
    ) -> None:
        super().__init__(mode, tags, builders, schedulers, branches, subject, add_logs, add_patch)
        self.formatter = MessageFormatter() if message_formatter is None else message_formatter
        self.report_new = report_new
        if report_new:
            self.wanted_event_keys = (BEGUN, ENDED)

    @outgoing
    async def generate(
        self, master: Any, reporter: Any, key: Sequence[str], build: Row
    ) -> Row | None:
        """Return the report about a build, or None for no report."""
        is_new = key[-1] == "new"
        if not is_new and not self._may_be_needed(build):
            return None
        # Others are told of the same event.
        build = dict(build)
        await getDetailsForBuild(master, build, **self._details_wanted(self.formatter))
        if not self.is_message_needed_by_props(build):
            return None
        if not is_new and not self.is_message_needed_by_results(build):
            return None
        found: Row | None = await answered(
            "build_message", self.build_message, self.formatter, master, reporter, build
        )
        return found

    def _may_be_needed(self, build: Row) -> bool:
        """Return whether details of the build are worth a query; subclasses that decide otherwise
        see each build."""
        ours = BuildStatusGeneratorMixin.is_message_needed_by_results
        if type(self).is_message_needed_by_results is not ours:
            return True
        return may_be_wanted(self.mode, build["results"])


class BuildStartEndStatusGenerator(BuildStatusGeneratorMixin):
    """Reports each chosen build when it begins and when it finishes, whatever comes of it.

    Args:
        start_formatter (Any): Formatter of the text when a build starts.
        end_formatter (Any): Formatter of the text when a build has finished.
    """

    wanted_event_keys: ClassVar[Sequence[tuple[str | None, ...]]] = (BEGUN, ENDED)
    compare_attrs: ClassVar[Any] = ("start_formatter", "end_formatter")

    def __init__(
        self,
        tags: Sequence[str] | None = None,
        builders: Sequence[str] | None = None,
        schedulers: Sequence[str] | None = None,
        branches: Sequence[str | None] | None = None,
        add_logs: bool | Sequence[str] | None = None,
        add_patch: bool = False,
        start_formatter: Any = None,
        end_formatter: Any = None,
    ) -> None:
        super().__init__("all", tags, builders, schedulers, branches, None, add_logs, add_patch)
        self.start_formatter = _or_sentence(start_formatter, "Build started.")
        self.end_formatter = _or_sentence(end_formatter, "Build done.")

    @outgoing
    async def generate(
        self, master: Any, reporter: Any, key: Sequence[str], build: Row
    ) -> Row | None:
        """Return the report about a build, or None for no report."""
        formatter = self.start_formatter if key[-1] == BEGUN[-1] else self.end_formatter
        build = dict(build)
        await getDetailsForBuild(master, build, **self._details_wanted(formatter))
        if not self.is_message_needed_by_props(build):
            return None
        found: Row | None = await answered(
            "build_message", self.build_message, formatter, master, reporter, build
        )
        return found


def _or_sentence(formatter: Any, sentence: str) -> Any:
    return MessageFormatterRenderable(sentence) if formatter is None else formatter
