"""`MailNotifier`: reports by mail."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from buildbot._border.arguments import no_argument, own_arguments
from buildbot._border.bridge import answered, outward
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.rendering import is_constant, render_value
from buildbot._border.times import now
from buildbot.interfaces import IEmailLookup, implementer
from buildbot.process.properties import Properties
from buildbot.process.results import statusToString
from buildbot.reporters import mail_message
from buildbot.reporters.base import ENCODING
from buildbot.reporters.generators.build import BuildStatusGenerator
from buildbot.reporters.generators.worker import WorkerMissingGenerator
from buildbot.reporters.mail_options import OLD, generators_of_old
from buildbot.reporters.mail_server import Mail, MailServer
from buildbot.reporters.old_arguments import removed
from buildbot.reporters.sending import SendingReporter
from buildbot.reporters.utils import merge_reports_prop, merge_reports_prop_take_first

__all__ = ["ENCODING", "Domain", "MailNotifier"]

Row = dict[str, Any]

_log = logging.getLogger(__name__)


@implementer(IEmailLookup)
class Domain(ComparableMixin):
    """Makes addresses of users' names by appending a domain."""

    compare_attrs: ClassVar[Any] = ("domain",)

    def __init__(self, domain: str) -> None:
        self.domain = domain

    def getAddress(self, name: str) -> str:
        """Return the address of a user; a name that contains an address stays as it is."""
        return name if "@" in name else f"{name}@{self.domain}"


class MailNotifier(SendingReporter):
    """Sends reports by mail, through ``relayhost``.

    Recipients are ``extraRecipients`` and, with ``sendToInterestedUsers``, who made the changes of
    a build; ``lookup`` (a domain, or an object with ``getAddress(user)``) finds their addresses.
    Builds do not wait for a mail server that is unavailable: mails are sent when it is back.

    Args:
        fromaddr (str, required): Address of the sender.
        relayhost (str): Host of the mail server.
        lookup (str | Any): Domain, or object with getAddress(user), that finds the addresses of
            those who made changes.
        extraRecipients (list[str] | None): Addresses that get every mail about builds; one about a
            missing worker goes to the addresses in its notify_on_missing.
        sendToInterestedUsers (bool): Send mail to those who made the changes, too.
        extraHeaders (dict[str, str] | None, renderable): Headers to add; values may be renderables.
        useTls (bool): Encrypt the connection with STARTTLS before anything is sent; for TLS from
            the start use useSmtps.
        useSmtps (bool): Use TLS from the start.
        smtpUser (str | None, renderable): User of the mail server.
        smtpPassword (str | None, renderable): Password of the mail server.
        smtpPort (int): Port of the mail server.
        dumpMailsToLog (bool): Write each mail to the master's log, too.
    """

    secrets: ClassVar[Any] = ("smtpUser", "smtpPassword")
    advice: ClassVar[str] = "Check relayhost, smtpPort, smtpUser and smtpPassword"

    @own_arguments
    def checkConfig(
        self,
        fromaddr: str = "",
        relayhost: Any = "localhost",
        lookup: Any = None,
        extraRecipients: Any = None,
        sendToInterestedUsers: bool = True,
        extraHeaders: Any = None,
        useTls: bool = False,
        useSmtps: bool = False,
        smtpUser: Any = None,
        smtpPassword: Any = None,
        smtpPort: int = 25,
        dumpMailsToLog: bool = False,
        generators: Sequence[Any] | None = None,
        **old: Any,
    ) -> Any:
        """Check the arguments."""
        if not fromaddr or mail_message.address_of(fromaddr) is None:
            error(f"MailNotifier: fromaddr must be an e-mail address, not {fromaddr!r}")
        for one in _recipients_given(extraRecipients):
            if mail_message.address_of(one) is None:
                error(f"MailNotifier: extraRecipients has {one!r}, which is not an e-mail address")
        _check_lookup(lookup)
        _check_headers(extraHeaders)
        if useTls and useSmtps:
            error("MailNotifier: give useTls or useSmtps, not both")
        if not isinstance(smtpPort, int) or not 0 < smtpPort < 65536:
            error(f"MailNotifier: smtpPort must be a port (1–65535), not {smtpPort!r}")
        if (smtpUser is None) != (smtpPassword is None):
            error("MailNotifier: smtpUser and smtpPassword belong together")
        super().checkConfig(generators=self._generators(generators, old, warn))

    @own_arguments
    def reconfigService(
        self,
        fromaddr: str = "",
        relayhost: Any = "localhost",
        lookup: Any = None,
        extraRecipients: Any = None,
        sendToInterestedUsers: bool = True,
        extraHeaders: Any = None,
        useTls: bool = False,
        useSmtps: bool = False,
        smtpUser: Any = None,
        smtpPassword: Any = None,
        smtpPort: int = 25,
        dumpMailsToLog: bool = False,
        generators: Sequence[Any] | None = None,
        **old: Any,
    ) -> Any:
        """Take over the arguments."""
        self.fromaddr = fromaddr
        self.extraRecipients = _recipients_given(extraRecipients)
        self.sendToInterestedUsers = sendToInterestedUsers
        self.lookup = Domain(lookup) if isinstance(lookup, str) else lookup
        self.extraHeaders = extraHeaders
        self.dumpMailsToLog = dumpMailsToLog
        self.server = MailServer(
            host=str(relayhost),
            port=smtpPort,
            starttls=bool(useTls),
            smtps=bool(useSmtps),
            user=smtpUser or None,
            password=smtpPassword or None,
        )
        return outward(self._take_over(self._generators(generators, old, lambda _: None)))

    def sendMessage(self, reports: Sequence[Row]) -> Any:
        """Make one mail of the reports, and queue it."""
        return outward(self._send(reports))

    def _create_default_generators(self) -> list[Any]:
        return [BuildStatusGenerator(add_patch=True), WorkerMissingGenerator(workers="all")]

    def _generators(self, generators: Any, old: Mapping[str, Any], say: Any) -> Any:
        """Return the generators, of arguments of earlier versions where there are such."""
        unknown = [name for name in old if name not in OLD]
        for name in unknown:
            error(no_argument("MailNotifier", name, _ARGUMENTS))
        given = {name: value for name, value in old.items() if name in OLD}
        if not given:
            return self._create_default_generators() if generators is None else generators
        generator = "reporters.BuildStatusGenerator(...)"
        say(removed("MailNotifier", given, generator, (OLD[name] for name in given)))
        formatter = given.get("messageFormatter", given.get("customMesg"))
        if formatter is not None and not hasattr(formatter, "format_message_for_build"):
            say(
                "MailNotifier: a function as messageFormatter is no longer called; use "
                "message_formatter=reporters.MessageFormatterFunctionRaw(function(master, context))"
            )
        return [*(generators or ()), *generators_of_old(given)]

    async def deliver(self, content: Mail) -> None:
        """Hand a mail over to the server."""
        await self.server.send(content)

    async def _send(self, reports: Sequence[Row]) -> None:
        users = merge_reports_prop(reports, "users") or []
        copies: list[str] = []
        if merge_reports_prop_take_first(reports, "worker") is not None:
            to = sorted((await self._addresses(users)).values())
        else:
            to, copies = await self._recipients(users)
        if not to:
            return
        subject = merge_reports_prop_take_first(reports, "subject")
        builds = merge_reports_prop(reports, "builds") or []
        message = mail_message.composed(
            sender=self.fromaddr,
            to=to,
            copies=copies,
            subject=self._subject(reports) if subject is None else subject,
            body=merge_reports_prop(reports, "body"),
            kind=merge_reports_prop_take_first(reports, "type") or "plain",
            date=datetime.fromtimestamp(now(), UTC),
            headers=await self._headers(builds),
            patches=merge_reports_prop(reports, "patches") or (),
            logs=[log for log in merge_reports_prop(reports, "logs") or () if "content" in log],
        )
        if self.dumpMailsToLog:
            _log.info("mail of %s:\n%s", self.name, message)
        recipients = [mail_message.address_of(one) for one in (*to, *copies)]
        mail = Mail(
            message=message,
            sender=mail_message.address_of(self.fromaddr) or self.fromaddr,
            recipients=[one for one in recipients if one is not None],
        )
        await answered("sendMail", self.sendMail, mail, mail.recipients)

    def sendMail(self, m: Mail, recipients: Sequence[str]) -> Any:
        """Queue a mail."""
        self.send_later(f'the mail "{m.message["Subject"]}"', m)

    async def _recipients(self, users: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return who gets a mail, and who gets a copy."""
        found = await self._addresses(users) if self.sendToInterestedUsers else {}
        others = {mail_message.address_of(one) or one: one for one in self.extraRecipients}
        if not found:
            return sorted(others.values()), []
        return sorted(found.values()), sorted(
            text for address, text in others.items() if address not in found
        )

    async def _addresses(self, users: Sequence[str]) -> dict[str, str]:
        """Return how the users are addressed, by their bare addresses."""
        found: dict[str, str] = {}
        for user in users:
            address = await self._address(user)
            if address is not None:
                found.setdefault(mail_message.address_of(address) or address, address)
        return found

    async def _address(self, user: str) -> str | None:
        """Return the address of a user; None, with a line in the log, if none is known."""
        found: Any = user
        if self.lookup is not None:
            found = await answered("getAddress", self.lookup.getAddress, user)
        if found and mail_message.address_of(found) is not None:
            return str(found)
        _log.warning(
            'reporter "%s" sends nothing to %r: no e-mail address is known; give lookup=, a domain '
            "or an object that finds addresses",
            self.name,
            mail_message.one_line(user),
        )
        return None

    async def _headers(self, builds: Sequence[Row]) -> dict[str, str]:
        if not self.extraHeaders:
            return {}
        properties = Properties()
        if len(builds) == 1:
            properties = Properties.fromDict(builds[0].get("properties") or {})
        properties.master = self.master
        rendered = await render_value(self.extraHeaders, properties)
        return {str(name): str(value) for name, value in rendered.items()}

    def _subject(self, reports: Sequence[Row]) -> str:
        builder = merge_reports_prop_take_first(reports, "builder_name") or ""
        results = merge_reports_prop_take_first(reports, "results")
        title = self.master.config.title
        return f"Buildbot {statusToString(results)} in {title} on {builder}"


_ARGUMENTS = (
    "fromaddr",
    "relayhost",
    "lookup",
    "extraRecipients",
    "sendToInterestedUsers",
    "extraHeaders",
    "useTls",
    "useSmtps",
    "smtpUser",
    "smtpPassword",
    "smtpPort",
    "dumpMailsToLog",
    "generators",
    "name",
    *OLD,
)


def _recipients_given(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        error(f"MailNotifier: extraRecipients must be a list of addresses; write [{value!r}]")
        return [value]
    return list(value)


def _check_lookup(lookup: Any) -> None:
    if lookup is None or isinstance(lookup, str) or callable(getattr(lookup, "getAddress", None)):
        return
    error(f"MailNotifier: lookup must be a domain or have getAddress(user), not {lookup!r}")


def _check_headers(headers: Any) -> None:
    if headers is None:
        return
    if not isinstance(headers, dict):
        error(f"MailNotifier: extraHeaders must be a dictionary, not {headers!r}")
        return
    for name in headers:
        if is_constant(name) and not mail_message.is_field_name(name):
            error(f"MailNotifier: extraHeaders has {name!r}, which cannot be the name of a header")
        elif isinstance(name, str) and mail_message.is_ours(name):
            warn(f'MailNotifier: extraHeaders cannot replace "{name}", which each mail has')
