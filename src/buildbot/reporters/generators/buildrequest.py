"""Reports about requests for builds, when they are made and when they are cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, outgoing
from buildbot.process.results import CANCELLED
from buildbot.reporters.generators.utils import BuildStatusGeneratorMixin
from buildbot.reporters.message import MessageFormatterRenderable
from buildbot.reporters.utils import get_details_for_buildrequest

Row = dict[str, Any]


class BuildRequestGenerator(BuildStatusGeneratorMixin):
    """Reports each chosen request when it is made, and when it is cancelled before it is built.

    Args:
        formatter (Any): Formatter of the text; None says "Build pending.".
    """

    wanted_event_keys: ClassVar[Sequence[tuple[str | None, ...]]] = (
        ("buildrequests", None, "new"),
        ("buildrequests", None, "cancel"),
    )
    compare_attrs: ClassVar[Any] = ("formatter",)

    def __init__(
        self,
        tags: Sequence[str] | None = None,
        builders: Sequence[str] | None = None,
        schedulers: Sequence[str] | None = None,
        branches: Sequence[str | None] | None = None,
        add_patch: bool = False,
        formatter: Any = None,
    ) -> None:
        super().__init__("all", tags, builders, schedulers, branches, None, None, add_patch)
        self.formatter = (
            MessageFormatterRenderable("Build pending.") if formatter is None else formatter
        )

    @outgoing
    async def generate(
        self, master: Any, reporter: Any, key: Sequence[str], buildrequest: Row
    ) -> Row | None:
        """Return the report about a request, or None for no report."""
        request = dict(buildrequest)
        await get_details_for_buildrequest(master, request, want_properties=True)
        request["results"] = CANCELLED if key[-1] == "cancel" else None
        build = self._as_build(request)
        if not self.is_message_needed_by_props(build):
            return None
        found: Row | None = await answered(
            "buildrequest_message", self.buildrequest_message, master, build
        )
        return found

    @outgoing
    async def buildrequest_message(self, master: Any, build: Row) -> Row:
        """Return the report about a request, which is given as a build without a number."""
        message = await answered(
            "format_message_for_build",
            self.formatter.format_message_for_build,
            master,
            build,
            is_buildset=True,
            mode=self.mode,
            users=[],
        )
        return {
            "body": message.get("body"),
            "subject": message.get("subject"),
            "type": message.get("type", "plain"),
            "results": build["results"],
            "builder_name": build["builder"]["name"],
            "builds": [build],
            "buildset": build["buildset"],
            "users": [],
            "patches": self._get_patches_for_build(build),
            "logs": [],
            "extra_info": message.get("extra_info"),
        }

    @staticmethod
    def _as_build(request: Row) -> Row:
        properties = dict(request["properties"] or {})
        properties.setdefault("buildername", (request["builder"]["name"], "Builder"))
        return {
            "buildrequest": request,
            "buildid": None,
            "number": None,
            "complete": False,
            "state_string": "",
            "prev_build": None,
            **{
                name: request[name]
                for name in (
                    "buildrequestid",
                    "builderid",
                    "builder",
                    "buildset",
                    "results",
                    "url",
                    "parentbuild",
                    "parentbuilder",
                )
            },
            "properties": properties,
        }
