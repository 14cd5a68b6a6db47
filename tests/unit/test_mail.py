"""Mails and the mail server: what mails are made of, and what a server's answers mean."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from hypothesis import given, settings
from hypothesis import strategies as st

from buildbot._border.errors import collecting
from buildbot.plugins import reporters, util
from buildbot.reporters.mail import Domain
from buildbot.reporters.mail_message import address_of, composed, is_field_name, one_line
from buildbot.reporters.mail_server import Mail, MailServer
from buildbot.reporters.outbox import NotNow, Refused, Unavailable

_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_NASTY = st.text(st.one_of(st.characters(), st.sampled_from('\r\n\t\x00 :<>@,"')), max_size=80)
_HEADERS = {"Date", "From", "Subject", "Message-ID", "To", "Auto-Submitted", "X-One"} | {
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
}


def _composed(**changes: Any) -> Any:
    given = {
        "sender": "Farm <ci@example.org>",
        "to": ["ann@example.org"],
        "copies": [],
        "subject": "s",
        "body": "b",
        "kind": "plain",
        "date": _DATE,
        "headers": {},
    }
    return composed(**{**given, **changes})


def _read(message: Any) -> Any:
    return message_from_bytes(message.as_bytes().replace(b"\r\n", b"\n"), policy=default)


@settings(max_examples=40)
@given(subject=_NASTY, name=_NASTY, value=_NASTY, body=_NASTY)
def test_nothing_that_a_build_says_becomes_a_header(
    subject: str, name: str, value: str, body: str
) -> None:
    recipient = f"{one_line(name)} <ann@example.org>"
    to = [recipient] if address_of(recipient) else ["ann@example.org"]

    mail = _read(_composed(subject=subject, to=to, body=body, headers={"X-One": value}))

    assert set(mail.keys()) == _HEADERS
    assert [one.addr_spec for one in mail["To"].addresses] == ["ann@example.org"]
    assert mail.get_content_type() == "text/plain"


@given(_NASTY)
def test_an_address_is_one_word_of_a_header(text: str) -> None:
    found = address_of(text)

    assert found is None or (found.isascii() and not set(found) & set("\r\n\t\x00 ,<>"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Ann B. <ann@example.org>", "ann@example.org"),
        ("buildbot@localhost", "buildbot@localhost"),
        ("ann", None),
        ("", None),
        ("a@b\nBcc: c@d", None),
        ("Ann\r\nBcc: c@d <a@b>", None),
        ("a@b, c@d", None),
        ("ann@exämple.org", None),
    ],
)
def test_addresses_are_recognised(text: str, address: str | None) -> None:
    if text == "a@b, c@d":
        assert address_of(text) in (None, "a@b")
    else:
        assert address_of(text) == address


@pytest.mark.parametrize("name", ["X-One", "List-Id"])
def test_header_names_are_recognised(name: str) -> None:
    assert is_field_name(name)
    assert not any(map(is_field_name, [f"{name}:", f"{name}\n", f" {name}", "", 3, "Ä"]))


def test_html_patches_and_logs_are_parts_of_a_mail() -> None:
    log = {"stepname": "make", "name": "stdio", "type": "s", "content": {"content": "oa\neb\n"}}
    page = {"stepname": "make", "name": "page", "type": "h", "content": {"content": "<hr>"}}

    mail = _read(
        _composed(
            body="<b>ä</b>", kind="html", patches=[{"body": b"--- a\n+++ b\n"}], logs=[log, page]
        )
    )

    body, patch, stdio, html = mail.iter_parts()
    assert (body.get_content_type(), body.get_content()) == ("text/html", "<b>ä</b>\n")
    assert (patch.get_filename(), patch.get_content()) == ("source patch 0", "--- a\n+++ b\n")
    assert (stdio.get_filename(), stdio.get_content()) == ("make.stdio", "a\nb\n")
    assert html.get_content_type() == "text/html"


class Postman:
    """Takes mails, or answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], bool]] = []
        self.at_rcpt: dict[str, str] = {}
        self.at_data = "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.at_rcpt:
            return self.at_rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.at_data.startswith("250"):
            self.got.append((envelope.mail_from, envelope.rcpt_tos, session.ssl is not None))
        return self.at_data


@asynccontextmanager
async def serving(postman: Postman, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    tls = options.pop("ssl", None)
    server = await loop.create_server(
        lambda: SMTP(postman, hostname="localhost", loop=loop, **options), "127.0.0.1", 0, ssl=tls
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _mail(*recipients: str) -> Mail:
    return Mail(message=_composed(), sender="ci@example.org", recipients=recipients)


async def test_a_mail_is_handed_over_to_the_server() -> None:
    postman = Postman()

    async with serving(postman) as port:
        await MailServer(host="127.0.0.1", port=port).send(_mail("ann@example.org", "b@c"))

    assert postman.got == [("ci@example.org", ["ann@example.org", "b@c"], False)]


@pytest.mark.parametrize(
    ("at_rcpt", "at_data", "expected", "said"),
    [
        ({"a@b": "550 no such user"}, "250 OK", Refused, "a@b: 550 no such user"),
        ({"a@b": "450 greylisted"}, "250 OK", NotNow, "a@b: 450 greylisted"),
        ({}, "552 too large", Refused, "answered 552 too large"),
        ({}, "451 try again", NotNow, "answered 451 try again"),
        ({"c@d": "550 no"}, "250 OK", Refused, "did not take it for c@d"),
    ],
)
async def test_a_server_s_answer_says_whether_to_try_again(
    at_rcpt: dict[str, str], at_data: str, expected: type[Exception], said: str
) -> None:
    postman = Postman()
    postman.at_rcpt, postman.at_data = at_rcpt, at_data
    recipients = ("a@b", "c@d") if "c@d" in at_rcpt else ("a@b",)

    async with serving(postman) as port:
        with pytest.raises(expected, match=said):
            await MailServer(host="127.0.0.1", port=port).send(_mail(*recipients))


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with serving(Postman()) as port:
        pass

    with pytest.raises(Unavailable, match=f"the mail server 127.0.0.1:{port}: "):
        await MailServer(host="127.0.0.1", port=port).send(_mail("a@b"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost, signed by itself, and its key."""
    directory = tmp_path_factory.mktemp("certificate")
    found = directory / "cert.pem", directory / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    )
    subprocess.run(
        [*command.split(), "-out", str(found[0]), "-keyout", str(found[1])],
        check=True,
        capture_output=True,
    )
    return found


@pytest.mark.parametrize("smtps", [False, True])
async def test_mails_go_encrypted_with_user_and_password(
    certificate: tuple[Path, Path], smtps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    postman = Postman()

    def authenticated(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        good = (data.login, data.password) == (b"ci", b"hush")
        return AuthResult(success=good, handled=False)

    tls = {"ssl": context, "auth_require_tls": False} if smtps else {"tls_context": context}
    async with serving(
        postman, authenticator=authenticated, auth_required=True, require_starttls=not smtps, **tls
    ) as port:
        server = MailServer(
            host="127.0.0.1", port=port, starttls=not smtps, smtps=smtps, user="ci", password="hush"
        )
        with pytest.raises(Unavailable, match="SSL_CERT_FILE"):
            await server.send(_mail("a@b"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        await server.send(_mail("a@b"))
        assert "hush" not in repr(server)
        other = MailServer(
            host="127.0.0.1", port=port, starttls=not smtps, smtps=smtps, user="ci", password="no"
        )
        with pytest.raises(Unavailable, match="535"):
            await other.send(_mail("a@b"))

    assert len(postman.got) == 1


_GENERATOR = reporters.BuildStatusGenerator


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"fromaddr": "nobody"}, "fromaddr must be an e-mail address, not 'nobody'"),
        ({"fromaddr": "a@b\nBcc: c@d"}, "fromaddr must be an e-mail address"),
        ({"extraRecipients": "c@d"}, "extraRecipients must be a list of addresses"),
        ({"extraRecipients": ["c"]}, "extraRecipients has 'c', which is not an e-mail address"),
        ({"lookup": 3}, "lookup must be a domain or have getAddress(user)"),
        ({"extraHeaders": {"X One": "a"}}, "'X One', which cannot be the name of a header"),
        ({"extraHeaders": ["X-One"]}, "extraHeaders must be a dictionary"),
        ({"useTls": True, "useSmtps": True}, "give useTls or useSmtps, not both"),
        ({"smtpPort": 80300}, "smtpPort must be a port (1–65535), not 80300"),
        ({"smtpUser": "u"}, "smtpUser and smtpPassword belong together"),
        ({"fromadr": "x@y"}, 'has no argument "fromadr"; did you mean "fromaddr"?'),
        ({"mode": "faling"}, 'did you mean "failing"?'),
    ],
)
def test_a_mistake_in_a_mail_notifier_is_one_of_the_configuration(
    arguments: dict[str, Any], complaint: str
) -> None:
    with collecting() as found:
        reporters.MailNotifier(**{"fromaddr": "a@b.org", **arguments})

    assert complaint in "\n".join(one.message for one in found.errors)


@pytest.mark.parametrize(
    ("old", "kind", "attributes", "advice"),
    [
        ({"mode": "problem"}, _GENERATOR, {"mode": ("problem",)}, "mode="),
        (
            {"mode": ("failing",), "builders": ["b"], "addLogs": True},
            _GENERATOR,
            {"builders": ["b"], "add_logs": True},
            "want_logs_content=True",
        ),
        (
            {"buildSetSummary": True, "tags": ["t"]},
            reporters.BuildSetStatusGenerator,
            {"tags": ["t"]},
            "reporters.BuildSetStatusGenerator",
        ),
        ({"categories": ["c"]}, _GENERATOR, {"tags": ["c"]}, "tags="),
        (
            {"messageFormatter": reporters.MessageFormatter("x")},
            _GENERATOR,
            {"formatter": reporters.MessageFormatter("x")},
            "message_formatter=",
        ),
        ({"subject": "%(builder)s", "addPatch": False}, _GENERATOR, {"add_patch": False}, "sub"),
    ],
)
async def test_old_arguments_work_with_a_warning_that_names_what_does_the_same(
    old: dict[str, Any], kind: type, attributes: dict[str, Any], advice: str
) -> None:
    with collecting() as found:
        notifier = reporters.MailNotifier("a@b.org", **old)
        await notifier.reconfigService("a@b.org", **old).asFuture(asyncio.get_running_loop())

    assert not found.errors
    assert [advice in one.message for one in found.warnings].count(True) >= 1
    generator = notifier.generators[0]
    assert type(generator) is kind
    assert {name: getattr(generator, name) for name in attributes} == attributes


def test_an_unchanged_notifier_is_unchanged() -> None:
    def made() -> Any:
        return reporters.MailNotifier(
            "a@b.org",
            lookup=Domain("x.org"),
            smtpUser="u",
            smtpPassword=util.Secret("s"),
            generators=[reporters.BuildStatusGenerator(mode="failing")],
        )

    assert made() == made()
    assert made() != reporters.MailNotifier("a@b.org")
