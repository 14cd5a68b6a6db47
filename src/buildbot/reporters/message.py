"""Message formatters: the text of a report.

A formatter returns a dictionary: ``body``, ``type`` (``plain``, ``html`` or ``json``), ``subject``
(or None) and ``extra_info`` (or None).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.finder import old_names_of
from buildbot._border.making import Making, Placed
from buildbot._border.rendering import render_value
from buildbot.process.properties import Properties
from buildbot.reporters import message_templates as templates
from buildbot.reporters.message_context import (
    create_context_for_build,
    create_context_for_buildset,
    create_context_for_worker,
)
from buildbot.reporters.message_texts import (
    get_detected_status_text,
    get_message_source_stamp_text,
    get_message_summary_text,
    get_projects_text,
)
from chargehand.kit.passwords import without_passwords_in

__all__ = [
    "MessageFormatter",
    "MessageFormatterBase",
    "MessageFormatterEmpty",
    "MessageFormatterFunction",
    "MessageFormatterFunctionRaw",
    "MessageFormatterMissingWorker",
    "MessageFormatterRenderable",
    "create_context_for_build",
    "create_context_for_buildset",
    "create_context_for_worker",
    "get_detected_status_text",
    "get_message_source_stamp_text",
    "get_message_summary_text",
    "get_projects_text",
]

Row = dict[str, Any]

_TYPES = ("plain", "html", "json")


class MessageFormatterBase(Placed, ComparableMixin):
    """What all formatters have: which details of builds they want, and additional context.

    Overridable, plain, ``async`` or returning a Deferred: `buildAdditionalContext`,
    `render_message_body`, `render_message_subject`, `format_message_for_build`,
    `format_message_for_buildset`.

    Args:
        ctx (dict[str, Any] | None): Further values for the templates.
        want_properties (bool): The formatter needs the build's properties.
        want_steps (bool): The formatter needs the build's steps.
        want_logs (bool): The formatter needs the steps' logs, without their text.
        want_logs_content (bool | list[str]): The formatter needs the text of all logs, or of those
            with these names.
        extra_info_cb (Callable[[Any], Any] | None): function(context) that returns what reporters
            get as extra_info.
        wantProperties (bool | None): Old name of want_properties.
        wantSteps (bool | None): Old name of want_steps.
        wantLogs (bool | None): Old name of want_logs and want_logs_content.
    """

    compare_attrs: ClassVar[Any] = (
        "template_type",
        "ctx",
        "want_properties",
        "want_steps",
        "want_logs",
        "want_logs_content",
        "extra_info_cb",
    )
    template_type = "plain"

    def __init__(
        self,
        ctx: Mapping[str, Any] | None = None,
        want_properties: bool = True,
        want_steps: bool = False,
        want_logs: bool = False,
        want_logs_content: bool | Sequence[str] = False,
        extra_info_cb: Callable[[Row], Any] | None = None,
        wantProperties: bool | None = None,
        wantSteps: bool | None = None,
        wantLogs: bool | None = None,
    ) -> None:
        self.ctx = dict(ctx or {})
        self.want_properties = _new(self, "wantProperties", wantProperties, want_properties)
        self.want_steps = _new(self, "wantSteps", wantSteps, want_steps)
        self.want_logs = _new(self, "wantLogs", wantLogs, want_logs)
        self.want_logs_content = want_logs_content or bool(wantLogs)
        self.extra_info_cb = extra_info_cb

    def buildAdditionalContext(self, master: Any, ctx: Row) -> Any:
        """Add to *ctx* more values for the templates."""
        ctx.update(self.ctx)

    @outgoing
    async def render_message_dict(self, master: Any, context: Row) -> Row:
        """Return the message for a context."""
        extra = None
        with Making(self):
            await answered("buildAdditionalContext", self.buildAdditionalContext, master, context)
            body = await answered("render_message_body", self.render_message_body, context)
            subject = await answered("render_message_subject", self.render_message_subject, context)
            if self.extra_info_cb is not None:
                extra = await answered("extra_info_cb", self.extra_info_cb, context)
        return {
            "body": body,
            "type": self.template_type,
            "subject": subject,
            "extra_info": extra,
        }

    def render_message_body(self, context: Row) -> Any:
        """Return the body; None for none."""
        return None

    def render_message_subject(self, context: Row) -> Any:
        """Return the subject; None for none."""
        return None

    @outgoing
    async def format_message_for_build(
        self,
        master: Any,
        build: Row,
        is_buildset: bool = False,
        users: Sequence[str] | None = None,
        mode: Collection[str] = (),
    ) -> Row:
        """Return the message for a build that `utils.getDetailsForBuild` has completed."""
        context = self._context_of_build(
            master, build, is_buildset=is_buildset, users=users or (), mode=mode or ()
        )
        return await self._rendered(master, context)

    @outgoing
    async def format_message_for_buildset(
        self,
        master: Any,
        buildset: Row,
        builds: Sequence[Row],
        is_buildset: bool = True,
        users: Sequence[str] | None = None,
        mode: Collection[str] = (),
    ) -> Row:
        """Return the message for a buildset and its builds."""
        context = self._context_of_buildset(
            master, buildset, builds, users=users or (), mode=mode or ()
        )
        return await self._rendered(master, context)

    def _context_of_build(self, master: Any, build: Row, **told: Any) -> Row:
        return create_context_for_build(
            told["mode"], build, told["is_buildset"], master, told["users"]
        )

    def _context_of_buildset(
        self, master: Any, buildset: Row, builds: Sequence[Row], **told: Any
    ) -> Row:
        return create_context_for_buildset(told["mode"], buildset, builds, master, told["users"])

    async def _rendered(self, master: Any, context: Row) -> Row:
        found = await answered("render_message_dict", self.render_message_dict, master, context)
        assert isinstance(found, dict), "render_message_dict returns a dictionary"
        return without_passwords_in(found)


class MessageFormatterEmpty(MessageFormatterBase):
    """A message without text, for reporters that make their own."""

    def __init__(self) -> None:
        super().__init__(want_properties=False)


class MessageFormatterFunction(MessageFormatterBase):
    """Calls ``function({"build": build})``, and takes what it returns as the body.

    Args:
        function (Callable[[Any], Any]): function(context) that returns the body; plain, async, or
            returning a Deferred.
        template_type (str): "plain", "html" or "json".
    """

    compare_attrs: ClassVar[Any] = ("_function",)

    def __init__(self, function: Callable[[Row], Any], template_type: str, **options: Any) -> None:
        super().__init__(**options)
        self.template_type = _type_of(self, template_type)
        self._function = function

    def render_message_body(self, context: Row) -> Any:
        """Return what the function says."""
        return self._function(context)

    def _context_of_build(self, master: Any, build: Row, **told: Any) -> Row:
        return {"build": build}

    def _context_of_buildset(
        self, master: Any, buildset: Row, builds: Sequence[Row], **told: Any
    ) -> Row:
        return {"buildset": buildset, "builds": builds}


class MessageFormatterFunctionRaw(MessageFormatterBase):
    """Calls ``function(master, context)``, which returns the whole message: a dictionary with
    ``body``, ``type``, ``subject`` and ``extra_info``, each of which may be missing.

    Args:
        function (Callable[[Any, Any], Any]): function(master, context) that returns the message;
            plain, async, or returning a Deferred.
    """

    compare_attrs: ClassVar[Any] = ("_function",)

    def __init__(self, function: Callable[[Any, Row], Any], **options: Any) -> None:
        super().__init__(**options)
        self._function = function

    @outgoing
    async def render_message_dict(self, master: Any, context: Row) -> Row:
        """Return what the function says, completed."""
        with Making(self):
            await answered("buildAdditionalContext", self.buildAdditionalContext, master, context)
            found = await answered("the formatter's function", self._function, master, context)
        if not isinstance(found, dict):
            raise TypeError(
                f"the function of MessageFormatterFunctionRaw must return a dictionary with "
                f"body, type and subject, not {found!r}"
            )
        return {"body": None, "type": "plain", "subject": None, "extra_info": None, **found}


class MessageFormatterRenderable(MessageFormatterBase):
    """A body and a subject that are rendered with the build's properties.

    Args:
        template (str, renderable): Body of the message.
        subject (str | None, renderable): Subject of the message; None for that of the reporter.
    """

    compare_attrs: ClassVar[Any] = ("template", "subject")

    def __init__(self, template: Any, subject: Any = None) -> None:
        super().__init__()
        self.template = template
        self.subject = subject

    @outgoing
    async def render_message_dict(self, master: Any, context: Row) -> Row:
        """Return the message; that for a buildset has the properties of its first build."""
        build = context["build"] if "build" in context else context["builds"][0]
        properties = Properties.fromDict(build.get("properties") or {})
        properties.master = master
        properties.sourcestamps = context["buildset"]["sourcestamps"]
        return {
            "body": await render_value(self.template, properties),
            "type": self.template_type,
            "subject": await render_value(self.subject, properties),
            "extra_info": None,
        }


class _Templated(MessageFormatterBase):
    """A body and a subject made from Jinja2 templates.

    Args:
        template (str | None): Jinja2 template of the body.
        template_type (str | None): "plain", "html" or "json".
        subject (str | None): Jinja2 template of the subject.
    """

    compare_attrs: ClassVar[Any] = ("body_template", "subject_template")
    defaults: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        template: str | None = None,
        template_type: str | None = None,
        subject: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        owner = type(self).__name__
        self.template_type = _type_of(self, template_type or self.template_type)
        self.body_template = self.defaults["html" if self.template_type == "html" else "plain"]
        self.subject_template = self.defaults["subject"]
        if template is not None:
            self.body_template = template
        if subject is not None:
            self.subject_template = subject
        self._body = templates.compiled(
            owner, "the template", self.body_template, self.template_type
        )
        self._subject = templates.compiled(owner, "the subject", self.subject_template, "plain")

    def render_message_body(self, context: Row) -> Any:
        """Return the body."""
        return self._body.render(context) if self._body is not None else None

    def render_message_subject(self, context: Row) -> Any:
        """Return the subject."""
        return self._subject.render(context) if self._subject is not None else None


class MessageFormatter(_Templated):
    """A body and a subject made from Jinja2 templates; values in one of HTML are escaped.

    ``template_type`` is ``plain``, ``html`` or ``json``. Templates run in Jinja2's sandbox. Without
    a template of its own it lists the build's steps and their logs, or the builds of a buildset.
    """

    defaults: ClassVar[Mapping[str, str]] = {
        "plain": templates.PLAIN,
        "html": templates.HTML,
        "subject": templates.SUBJECT,
    }

    def __init__(self, template: str | None = None, **options: Any) -> None:
        super().__init__(template, **options)
        if template is None:
            self.want_steps = self.want_logs = True
        self._has_body = template is not None
        self._has_subject = options.get("subject") is not None

    def render_message_body(self, context: Row) -> Any:
        """Return the body."""
        if self._has_body or "build" in context:
            return super().render_message_body(context)
        return templates.of_buildsets(self.template_type)[0].render(context)

    def render_message_subject(self, context: Row) -> Any:
        """Return the subject."""
        if self._has_subject or "build" in context:
            return super().render_message_subject(context)
        return templates.of_buildsets(self.template_type)[1].render(context)


class MessageFormatterMissingWorker(_Templated):
    """The message for a worker that has gone: templates with ``worker``, ``buildbot_title`` and
    ``buildbot_url``."""

    defaults: ClassVar[Mapping[str, str]] = {
        "plain": templates.MISSING_WORKER_PLAIN,
        "html": templates.MISSING_WORKER_HTML,
        "subject": templates.MISSING_WORKER_SUBJECT,
    }

    @outgoing
    async def format_message_for_missing_worker(self, master: Any, worker: Row) -> Row:
        """Return the message for a worker."""
        return await self._rendered(master, create_context_for_worker(master, worker))


def _type_of(formatter: object, template_type: str) -> str:
    if template_type not in _TYPES:
        error(
            f"{type(formatter).__name__}: template_type must be plain, html or json, "
            f"not {template_type!r}"
        )
    return template_type


def _new(formatter: object, old: str, old_value: bool | None, value: bool) -> bool:
    """Return the value of an argument that may come under its old name."""
    if old_value is None:
        return value
    new = {"wantProperties": "want_properties", "wantSteps": "want_steps"}.get(
        old, "want_logs and want_logs_content"
    )
    warn(f"{type(formatter).__name__}: argument {old!r} is now called {new}")
    return old_value


__getattr__ = old_names_of(__name__)
