"""`HttpStatusPush`: reports to a web service, and what other reporters of the kind stand on."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import answered, outgoing
from buildbot._border.errors import error, warn
from buildbot._border.http_security import verification
from buildbot._border.rendering import is_constant
from buildbot.reporters.base import ReporterBase
from buildbot.reporters.generators.build import (
    BuildStartEndStatusGenerator,
    BuildStatusGenerator,
)
from buildbot.reporters.http_sending import Request, post
from buildbot.reporters.message import MessageFormatterEmpty, MessageFormatterFunction
from buildbot.reporters.old_arguments import removed
from buildbot.reporters.sending import SendingReporter
from buildbot.reporters.utils import getDetailsForBuild

__all__ = ["HttpStatusPush", "HttpStatusPushBase", "ReporterBase"]

Row = dict[str, Any]

_OLD = ("format_fn", "wantProperties", "wantSteps", "wantLogs", "wantPreviousBuild", "builders")


class HttpStatusPushBase(SendingReporter):
    """A reporter that uses HTTP; it has the attributes ``debug``, ``verify`` and ``cert``.

    Subclasses write `sendMessage`. What they pass to `push` is sent in order, in the background: a
    service that is unavailable delays nothing, and receives everything when it is back.

    Args:
        debug (bool | None): Accepted for compatibility, and ignored.
        verify (bool | str | None): Whether to check certificates, or the file with those to trust.
        cert (str | tuple[str, str] | None): Certificate of the master: a file, or (certificate,
            key).
    """

    advice: ClassVar[str] = "Check the address, and what the reporter is allowed to do there"
    keeps_order: ClassVar[bool] = True
    neededDetails: Mapping[str, Any] = MappingProxyType({})
    """What ``send`` of a reporter for earlier versions wants of a build: ``wantSteps`` etc."""
    send: Any
    debug: Any = None
    verify: Any = None
    cert: Any = None
    auth: tuple[str, str] | None = None
    request_headers: Mapping[str, str] = MappingProxyType({})

    @own_arguments
    def checkConfig(
        self,
        *own: Any,
        generators: Sequence[Any] | None = None,
        debug: bool | None = None,
        verify: bool | str | None = None,
        cert: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Check the arguments; those of a subclass that only has a `reconfigService` fit it."""
        if type(self).checkConfig is HttpStatusPushBase.checkConfig:
            kwargs = self._not_its_own(own, kwargs)
        return super().checkConfig(generators=generators, **kwargs)

    @own_arguments
    def reconfigService(
        self,
        generators: Sequence[Any] | None = None,
        debug: bool | None = None,
        verify: bool | str | None = None,
        cert: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Take over the arguments."""
        self.debug = debug
        self.verify = verify
        self.cert = cert
        return super().reconfigService(generators=generators, **kwargs)

    @outgoing
    async def sendMessage(self, reports: Sequence[Row]) -> None:
        """Hand each build to ``send(build)``, which reporters of Buildbot before 2.9 have."""
        if not hasattr(self, "send"):
            raise NotImplementedError(f"{type(self).__name__} has no sendMessage")
        for report in reports:
            for build in report["builds"] or ():
                await getDetailsForBuild(self.master, build, **self.neededDetails)
                is_new = build["results"] is None
                key = ("builds", str(build["buildid"]), "new" if is_new else "finished")
                tell = self.buildStarted if is_new else self.buildFinished
                await answered("send", tell, key, build)

    def buildStarted(self, key: Sequence[str], build: Row) -> Any:
        """Call ``send(build)``, if a reporter for earlier versions has it."""
        return self.send(build)

    def buildFinished(self, key: Sequence[str], build: Row) -> Any:
        """Call ``send(build)``, if a reporter for earlier versions has it."""
        return self.send(build)

    def is_status_2xx(self, code: int) -> bool:
        """Return whether an answer with this code is a success."""
        return 200 <= code < 300

    def push(self, title: str, url: str, body: Any) -> None:
        """Send JSON to an address soon, with ``request_headers`` and ``auth``; *title* names it in
        the log."""
        self.send_later(title, (url, body))

    def _create_default_generators(self) -> list[Any]:
        if not hasattr(self, "send"):
            return super()._create_default_generators()
        nothing = MessageFormatterEmpty()
        return [BuildStartEndStatusGenerator(start_formatter=nothing, end_formatter=nothing)]

    def _not_its_own(self, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name that its `reconfigService` does not name."""
        signature = inspect.signature(self.reconfigService)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as mistake:
            error(f"{type(self).__name__}: {mistake}")
            return {}
        return {name: value for name, value in kwargs.items() if name not in signature.parameters}

    async def deliver(self, content: tuple[str, Any]) -> None:
        """Send JSON to an address now."""
        url, body = content
        request = Request(
            url=url,
            body=body,
            headers=self.request_headers,
            auth=self.auth,
            verification=verification(self.verify, self.cert),
        )
        await post(request)


class HttpStatusPush(HttpStatusPushBase):
    """Posts each report's body as JSON to ``serverUrl``: by default the build when it begins and
    when it finishes. ``auth`` is (user, password).

    Args:
        serverUrl (str, required, renderable): Address to post to.
        auth (tuple[str, str] | None, renderable): User and password for HTTP basic authentication.
        headers (dict[str, str] | None, renderable): Headers of each request, by name.
        skip_encoding (bool): Accepted for compatibility: the body is always JSON.
    """

    name = "HttpStatusPush"
    secrets: ClassVar[Any] = ("serverUrl", "auth", "headers")

    @own_arguments
    def checkConfig(
        self,
        serverUrl: Any = None,
        auth: Any = None,
        headers: Any = None,
        debug: bool | None = None,
        verify: bool | str | None = None,
        cert: Any = None,
        skip_encoding: bool = False,
        generators: Sequence[Any] | None = None,
        **old: Any,
    ) -> Any:
        """Check the arguments."""
        if is_constant(serverUrl) and not isinstance(serverUrl, str):
            error(f"HttpStatusPush: serverUrl must be an address, not {serverUrl!r}")
        elif is_constant(serverUrl) and not serverUrl.startswith(("http://", "https://")):
            # No error: configurations have placeholders there, as settings are missing.
            warn(
                f"{type(self).__name__}: serverUrl {serverUrl!r} is not an http:// or https:// "
                "address: its reports will not arrive"
            )
        if auth is not None and is_constant(auth) and len(auth) != 2:
            error("HttpStatusPush: auth must be (user, password)")
        given = {name: old.pop(name) for name in _OLD if name in old}
        if given:
            details = (
                "report_new=True",
                "message_formatter=reporters.MessageFormatterFunction(function, 'json')",
            )
            generator = "reporters.BuildStatusGenerator(...)"
            warn(removed("HttpStatusPush", given, generator, details))
        return super().checkConfig(
            generators=self._generators(generators, given),
            debug=debug,
            verify=verify,
            cert=cert,
            **old,
        )

    @own_arguments
    def reconfigService(
        self,
        serverUrl: Any = None,
        auth: Any = None,
        headers: Any = None,
        debug: bool | None = None,
        verify: bool | str | None = None,
        cert: Any = None,
        skip_encoding: bool = False,
        generators: Sequence[Any] | None = None,
        **old: Any,
    ) -> Any:
        """Take over the arguments."""
        self.serverUrl = str(serverUrl)
        self.auth = None if auth is None else (str(auth[0]), str(auth[1]))
        self.request_headers = dict(headers or {})
        return super().reconfigService(
            generators=self._generators(generators, old), debug=debug, verify=verify, cert=cert
        )

    def sendMessage(self, reports: Sequence[Row]) -> Any:
        """Queue the reports."""
        for report in reports:
            builds = report.get("builds") or []
            what = f"a report of build {builds[0]['buildid']}" if builds else "a report"
            self.push(what, self.serverUrl, _payload(report))

    def _create_default_generators(self) -> list[Any]:
        return [_pushing(lambda context: context["build"])]

    def _generators(self, generators: Any, old: Mapping[str, Any]) -> Any:
        if not old:
            return self._create_default_generators() if generators is None else generators
        wanted = {
            "want_properties": old.get("wantProperties", False),
            "want_steps": old.get("wantSteps", False),
            "want_logs": old.get("wantLogs", False),
            "want_logs_content": old.get("wantLogs", False),
        }
        function = _of_build(old.get("format_fn"))
        return [*(generators or ()), _pushing(function, builders=old.get("builders"), **wanted)]


def _payload(report: Row) -> Any:
    """Return the body; a template of type ``json`` has made text of it, which is not encoded
    again."""
    body = report["body"]
    if report.get("type") == "json" and isinstance(body, str):
        try:
            return json.loads(body)
        except ValueError as mistake:
            raise ValueError(
                f"the template of type json produced invalid JSON: {mistake}"
            ) from mistake
    return body


def _of_build(function: Callable[[Row], Any] | None) -> Callable[[Row], Any]:
    """Return a formatter's function that does what an old ``format_fn(build)`` does."""
    if function is None:
        return lambda context: context["build"]
    return lambda context: function(context["build"])


def _pushing(function: Callable[[Row], Any], *, builders: Any = None, **wanted: Any) -> Any:
    return BuildStatusGenerator(
        mode="all",
        builders=builders,
        report_new=True,
        message_formatter=MessageFormatterFunction(function, "json", **wanted),
    )
