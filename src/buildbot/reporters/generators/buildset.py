"""Reports about buildsets, when their last build has finished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.making import Placed
from buildbot.interfaces import IReportGenerator, implementer
from buildbot.reporters.generators.utils import BuildStatusGeneratorMixin
from buildbot.reporters.message import MessageFormatter, MessageFormatterRenderable
from buildbot.reporters.utils import (
    getDetailsForBuildset,
    getResponsibleUsersForBuild,
    merge_reports_prop,
    merge_reports_prop_take_first,
)

Row = dict[str, Any]

COMPLETE = ("buildsets", None, "complete")


class BuildSetStatusGenerator(BuildStatusGeneratorMixin):
    """Reports all chosen builds of a buildset in one message, if one of them calls for it.

    Args:
        message_formatter (Any): Formatter of the text of each build; by default
            reporters.MessageFormatter.
    """

    wanted_event_keys: ClassVar[Sequence[tuple[str | None, ...]]] = (COMPLETE,)
    compare_attrs: ClassVar[Any] = ("formatter",)

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
        message_formatter: Any = None,
    ) -> None:
        super().__init__(mode, tags, builders, schedulers, branches, subject, add_logs, add_patch)
        self.formatter = MessageFormatter() if message_formatter is None else message_formatter

    @outgoing
    async def generate(
        self, master: Any, reporter: Any, key: Sequence[str], message: Row
    ) -> Row | None:
        """Return the report about a buildset, or None for no report."""
        details = await getDetailsForBuildset(
            master, message["bsid"], **self._details_wanted(self.formatter)
        )
        builds = [build for build in details["builds"] if self.is_message_needed_by_props(build)]
        if not any(self.is_message_needed_by_results(build) for build in builds):
            return None
        reports = await self._reports(master, reporter, details["buildset"], builds)
        if not reports:
            return None
        return {
            "body": merge_reports_prop(reports, "body"),
            "subject": merge_reports_prop_take_first(reports, "subject"),
            "type": merge_reports_prop_take_first(reports, "type"),
            "results": details["buildset"]["results"],
            "builder_name": merge_reports_prop_take_first(reports, "builder_name"),
            "builds": builds,
            "buildset": details["buildset"],
            "users": list(dict.fromkeys(merge_reports_prop(reports, "users") or ())),
            "patches": merge_reports_prop(reports, "patches") or [],
            "logs": merge_reports_prop(reports, "logs") or [],
            "extra_info": merge_reports_prop(reports, "extra_info"),
        }

    async def _reports(
        self, master: Any, reporter: Any, buildset: Row, builds: Sequence[Row]
    ) -> list[Row]:
        """Return a report for each build: their texts make up that of the buildset."""
        found = []
        for build in builds:
            users = await getResponsibleUsersForBuild(master, build["buildid"])
            message = await answered(
                "format_message_for_build",
                self.formatter.format_message_for_build,
                master,
                build,
                is_buildset=True,
                mode=self.mode,
                users=users,
            )
            if message is None:
                continue
            found.append(
                {
                    "body": message.get("body"),
                    "subject": self._subject(message.get("subject"), build),
                    "type": message.get("type", "plain"),
                    "builder_name": build["builder"]["name"],
                    "users": list(users),
                    "patches": self._get_patches_for_build(build),
                    "logs": self._logs_of(build),
                    "extra_info": message.get("extra_info"),
                }
            )
        return found


@implementer(IReportGenerator)
class BuildSetCombinedStatusGenerator(Placed, ComparableMixin):
    """Reports each buildset in one message, which the formatter writes for all its builds.

    Args:
        message_formatter (Any): Formatter of the text, which sees all builds at once.
    """

    wanted_event_keys: ClassVar[Sequence[tuple[str | None, ...]]] = (COMPLETE,)
    compare_attrs: ClassVar[Any] = ("formatter",)

    def __init__(self, message_formatter: Any = None) -> None:
        self.formatter = (
            MessageFormatterRenderable("Buildset done.")
            if message_formatter is None
            else message_formatter
        )

    def check(self) -> None:
        """Say what is wrong with it: nothing can be."""

    def generate_name(self) -> str:
        """Return what tells it from others in the name of a reporter."""
        return type(self).__name__

    @outgoing
    async def generate(
        self, master: Any, reporter: Any, key: Sequence[str], message: Row
    ) -> Row | None:
        """Return the report about a buildset."""
        formatter = self.formatter
        details = await getDetailsForBuildset(
            master,
            message["bsid"],
            want_properties=True,
            want_steps=formatter.want_steps,
            want_logs=formatter.want_logs,
            want_logs_content=formatter.want_logs_content,
        )
        builds, buildset = details["builds"], details["buildset"]
        if not builds:
            return None
        users: dict[str, None] = {}
        for build in builds:
            users.update(dict.fromkeys(await getResponsibleUsersForBuild(master, build["buildid"])))
        text = await answered(
            "format_message_for_buildset",
            formatter.format_message_for_buildset,
            master,
            buildset,
            builds,
            is_buildset=True,
            mode=("passing",),
            users=list(users),
        )
        return {
            "body": text.get("body"),
            "subject": text.get("subject"),
            "type": text.get("type", "plain"),
            "results": buildset["results"],
            "builds": builds,
            "buildset": buildset,
            "users": list(users),
            "patches": [],
            "logs": [],
            "extra_info": text.get("extra_info"),
        }
