"""What generators of reports about builds have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.making import Placed
from buildbot.interfaces import IReportGenerator, implementer
from buildbot.process.results import statusToString
from buildbot.reporters.generators.choice import is_wanted, modes_of, wants_previous_build
from buildbot.reporters.utils import getResponsibleUsersForBuild

Row = dict[str, Any]

_CHOICES = ("tags", "builders", "schedulers", "branches")


@implementer(IReportGenerator)
class BuildStatusGeneratorMixin(Placed, ComparableMixin):
    """Chooses builds by result (``mode``), tags, builders, schedulers and branches.

    Overridable: `is_message_needed_by_props`, `is_message_needed_by_results`, `build_message`.

    Args:
        mode (str | list[str]): Which results to report: "all", or a list of change, failing,
            passing, problem, warnings, exception and cancelled.
        tags (list[str] | None): Only builders with one of these tags.
        builders (list[str] | None): Only builds of these builders, by name; give either this or
            tags.
        schedulers (list[str] | None): Only builds of these schedulers.
        branches (list[str | None] | None): Only builds of these branches; None in the list is the
            default branch.
        subject (str | None): Subject, with `%(builder)s`, `%(result)s`, `%(projectName)s` and
            `%(title)s`.
        add_logs (bool | list[str] | None): Attach all logs, or those with these names.
        add_patch (bool | None): Attach the patches of the build.
    """

    compare_attrs: ClassVar[Any] = (
        "mode",
        "tags",
        "builders",
        "schedulers",
        "branches",
        "subject",
        "add_logs",
        "add_patch",
    )

    def __init__(
        self,
        mode: str | Sequence[str],
        tags: Sequence[str] | None,
        builders: Sequence[str] | None,
        schedulers: Sequence[str] | None,
        branches: Sequence[str | None] | None,
        subject: str | None,
        add_logs: bool | Sequence[str] | None,
        add_patch: bool | None,
    ) -> None:
        owner = type(self).__name__
        self.mode = modes_of(owner, mode)
        self.tags = _listed(owner, "tags", tags)
        self.builders = _listed(owner, "builders", builders)
        self.schedulers = _listed(owner, "schedulers", schedulers)
        self.branches = _listed(owner, "branches", branches)
        self.subject = subject
        self.add_logs = add_logs
        self.add_patch = add_patch
        if isinstance(subject, str) and "\n" in subject:
            error(f"{owner}: subject must be one line, not {subject!r}")
        if subject is not None:
            warn(f"{owner}: argument 'subject' is old; use message_formatter=…(subject=…)")
        if add_logs is not None:
            warn(
                f"{owner}: argument 'add_logs' is old; use message_formatter=…(want_logs_content=…)"
            )

    def check(self) -> None:
        """Say what is wrong with the choice of builds."""
        if self.tags is not None and self.builders is not None:
            error(f"{type(self).__name__}: give tags or builders, not both")

    def generate_name(self) -> str:
        """Return what tells it from others in the name of a reporter."""
        parts = [type(self).__name__]
        for choice in _CHOICES:
            wanted = getattr(self, choice)
            if wanted is not None:
                parts.append(f"_{choice}_{'+'.join(map(str, wanted))}")
        return "".join(parts) + "_".join(self.mode)

    def is_message_needed_by_props(self, build: Row) -> bool:
        """Return whether a build, with its ``builder`` and ``properties``, is one of the chosen."""
        builder, properties = build["builder"], build.get("properties") or {}
        scheduler = properties.get("scheduler", [None])[0]
        branch = properties.get("branch", [None])[0]
        return (
            (self.builders is None or builder["name"] in self.builders)
            and (self.schedulers is None or scheduler in self.schedulers)
            and (self.branches is None or branch in self.branches)
            and (self.tags is None or self._matches_any_tag(builder["tags"]))
        )

    def is_message_needed_by_results(self, build: Row) -> bool:
        """Return whether a build, with its ``prev_build``, has ended in one of the modes."""
        return is_wanted(self.mode, build["results"], build.get("prev_build"))

    @outgoing
    async def build_message(
        self, formatter: Any, master: Any, reporter: Any, build: Row
    ) -> Row | None:
        """Return the report about a build."""
        users = await getResponsibleUsersForBuild(master, build["buildid"])
        message = await answered(
            "format_message_for_build",
            formatter.format_message_for_build,
            master,
            build,
            is_buildset=False,
            mode=self.mode,
            users=users,
        )
        if message is None:
            return None
        return {
            "body": message.get("body"),
            "subject": self._subject(message.get("subject"), build),
            "type": message.get("type", "plain"),
            "results": build["results"],
            "builder_name": build["builder"]["name"],
            "builds": [build],
            "buildset": build["buildset"],
            "users": list(users),
            "patches": self._get_patches_for_build(build),
            "logs": self._logs_of(build),
            "extra_info": message.get("extra_info"),
        }

    def partial_build_dict(
        self, master: Any, buildset: Row, builds: Sequence[Row], **report: Any
    ) -> Row:
        """Return a report about several builds: what is given, and what is usual for the rest."""
        return {
            "body": None,
            "subject": None,
            "type": "plain",
            "results": buildset["results"],
            "builds": list(builds),
            "buildset": buildset,
            "users": [],
            "patches": [],
            "logs": [],
            "extra_info": None,
            **report,
        }

    def _details_wanted(self, formatter: Any) -> Row:
        """Return which details of builds `utils.getDetailsForBuild` shall add."""
        contents = self.add_logs or getattr(formatter, "want_logs_content", False)
        return {
            # The choice of builds needs properties, too.
            "want_properties": True,
            "want_steps": getattr(formatter, "want_steps", False) or bool(contents),
            "want_previous_build": wants_previous_build(self.mode),
            "want_logs": getattr(formatter, "want_logs", False) or bool(contents),
            "want_logs_content": contents,
        }

    def _matches_any_tag(self, tags: Sequence[str]) -> bool:
        return self.tags is not None and any(tag in self.tags for tag in tags)

    def _get_patches_for_build(self, build: Row) -> list[Row]:
        if not self.add_patch:
            return []
        stamps = build["buildset"]["sourcestamps"]
        return [stamp["patch"] for stamp in stamps if stamp.get("patch")]

    def _logs_of(self, build: Row) -> list[Row]:
        # For attachments; `utils.getDetailsForBuild` has read the wanted ones only.
        return [
            log
            for step in build.get("steps") or ()
            for log in step.get("logs") or ()
            if "content" in log
        ]

    def _subject(self, subject: str | None, build: Row) -> str | None:
        """Return the subject of an old configuration, where there is one."""
        if self.subject is None:
            return subject
        title = build.get("properties", {}).get("project", [""])[0] or "whole buildset"
        names = {
            "result": statusToString(build["results"]),
            "projectName": title,
            "title": title,
            "builder": build["builder"]["name"],
        }
        return self.subject % names


def _listed(owner: str, name: str, value: Any) -> Any:
    """Return the value of a choice, which must be a sequence of names or None."""
    if value is not None and not isinstance(value, list | tuple | set | frozenset):
        error(f"{owner}: {name} must be a list of names, not {value!r}; write [{value!r}]")
        return [value]
    return value
