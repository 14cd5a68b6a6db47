"""Reporters that set statuses of commits: what GitHub's and GitLab's have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import answered, outward
from buildbot._border.errors import warn
from buildbot._border.old_arguments import without_removed
from buildbot._border.rendering import render_value
from buildbot.process.properties import Interpolate, Properties
from buildbot.reporters.commit_status import Commit, commits_of, properties_of
from buildbot.reporters.generators.build import BuildStartEndStatusGenerator
from buildbot.reporters.http import HttpStatusPushBase
from buildbot.reporters.message import MessageFormatterRenderable
from buildbot.reporters.old_arguments import removed
from buildbot.util.httpclientservice import HTTPSession

Row = dict[str, Any]

_NAME = re.compile(r"(?!\.+$)[\w.-]+")
"""What may be a part of an address: nothing that leads elsewhere."""
_OLD = {
    "startDescription": "start_formatter=reporters.MessageFormatterRenderable(...)",
    "endDescription": "end_formatter=reporters.MessageFormatterRenderable(...)",
    "builders": "builders=",
}


class CommitStatusPush(HttpStatusPushBase):
    """Sets the status of each commit of a build, when it begins and when it finishes.

    Args:
        token (str, required, renderable): Token for the service's API, usually a util.Secret.
        context (str | None, renderable): Name under which the status appears; by default
            buildbot/BUILDER.
        baseURL (str | None): Address of the service; by default the public one.
        verbose (bool): Log each status that is set.
    """

    secrets: ClassVar[Any] = ("token",)
    hosted_url: ClassVar[str]
    states: ClassVar[Mapping[int | None, str]]
    """What a result is called; one that is not there is a success."""

    @own_arguments
    def checkConfig(
        self,
        token: Any,
        context: Any = None,
        baseURL: str | None = None,
        verbose: bool = False,
        debug: bool | None = None,
        verify: bool | str | None = None,
        generators: Sequence[Any] | None = None,
        **old: Any,
    ) -> Any:
        """Check the arguments."""
        if not token:
            warn(f"{type(self).__name__}: token is empty, so its reports will be refused")
        old = without_removed("GitHubStatusPush", old)
        return super().checkConfig(
            generators=self._generators(generators, old, warn),
            debug=debug,
            verify=verify,
            **{name: value for name, value in old.items() if name not in _OLD},
        )

    @own_arguments
    def reconfigService(
        self,
        token: Any,
        context: Any = None,
        baseURL: str | None = None,
        verbose: bool = False,
        debug: bool | None = None,
        verify: bool | str | None = None,
        generators: Sequence[Any] | None = None,
        **old: Any,
    ) -> Any:
        """Take over the arguments."""
        self.context = context or Interpolate("buildbot/%(prop:buildername)s")
        self.base_url = (baseURL or self.hosted_url).rstrip("/")
        self.verbose = verbose
        self.request_headers = self._headers_of(str(token))
        # Overriding createStatus methods send with this.
        self._http = HTTPSession(
            None, self.base_url, headers=self.request_headers, debug=bool(debug), verify=verify
        )
        return super().reconfigService(
            generators=self._generators(generators, old, lambda _: None), debug=debug, verify=verify
        )

    def sendMessage(self, reports: Sequence[Row]) -> Any:
        """Set the status of each commit of the build."""
        return outward(self._send(reports))

    def _create_default_generators(self) -> list[Any]:
        return [BuildStartEndStatusGenerator()]

    def _headers_of(self, token: str) -> dict[str, str]:
        """Return the headers of each request."""
        raise NotImplementedError

    def _status_of(self, commit: Commit, state: str, told: Mapping[str, Any]) -> Any:
        """Set the status of a commit; *told* has ``props``, ``context``, ``target_url`` and
        ``description``."""
        raise NotImplementedError

    def _generators(self, generators: Any, old: Row, say: Callable[[str], None]) -> Any:
        """Return the generators, of arguments of earlier versions where there are such."""
        given = {name: value for name, value in old.items() if name in _OLD}
        if not given:
            return self._create_default_generators() if generators is None else generators
        generator = "reporters.BuildStartEndStatusGenerator(...)"
        say(removed(type(self).__name__, given, generator, (_OLD[name] for name in given)))
        made = BuildStartEndStatusGenerator(
            builders=given.get("builders"),
            start_formatter=_sentence(given.get("startDescription")),
            end_formatter=_sentence(given.get("endDescription")),
        )
        return [*(generators or ()), made]

    async def _send(self, reports: Sequence[Row]) -> None:
        for report in reports:
            for build in report["builds"] or ():
                await self._send_build(report, build)

    async def _send_build(self, report: Row, build: Row) -> None:
        properties: Properties = properties_of(build, self.master)
        told = {
            "props": properties,
            "context": await render_value(self.context, properties),
            "target_url": build["url"],
            "description": report["body"],
        }
        state = self.states.get(build["results"], "success")
        for commit in commits_of(build["buildset"]["sourcestamps"], properties):
            parts = (*commit.owner.split("/"), commit.repository, commit.revision)
            if all(map(_NAME.fullmatch, parts)):
                await answered("createStatus", self._status_of, commit, state, told)


def _sentence(text: Any) -> Any:
    return None if text is None else MessageFormatterRenderable(text)
