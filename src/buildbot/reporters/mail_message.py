"""Mails as the standards want them. Nothing that a build says can become a header of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

from buildbot.reporters.log_contents import log_text

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_FIELD = re.compile(r"[!-9;-~]+")
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[^\s@<>(),;:\\\"\[\]]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_OURS = frozenset(
    {
        "to",
        "cc",
        "bcc",
        "from",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
)
_LONGEST_SUBJECT = 500


def one_line(text: object) -> str:
    """Return a text without line ends and other control characters, fit for a header."""
    return _SURROGATES.sub("\ufffd", _CONTROL.sub(" ", str(text))).strip()


def address_of(text: object) -> str | None:
    """Return the bare address in ``Name <address>``, None where it is not valid."""
    whole = str(text)
    if _CONTROL.search(whole) or _SURROGATES.search(whole):
        return None
    address = parseaddr(whole)[1]
    return address if _ADDRESS.fullmatch(address) and address.isascii() else None


def header_address(text: str) -> Address:
    """Return an address with its name, for a header; `address_of` must know it."""
    name, address = parseaddr(text)
    return Address(display_name=one_line(name), addr_spec=address)


def is_field_name(name: object) -> bool:
    """Return whether a header may have this name."""
    return isinstance(name, str) and _FIELD.fullmatch(name) is not None


def is_ours(name: str) -> bool:
    """Return whether a header of this name is made here."""
    return name.lower() in _OURS


def composed(
    *,
    sender: str,
    to: Sequence[str],
    copies: Sequence[str],
    subject: str,
    body: Any,
    kind: str,
    date: datetime,
    headers: Mapping[str, str],
    patches: Sequence[Mapping[str, Any]] = (),
    logs: Sequence[Mapping[str, Any]] = (),
) -> EmailMessage:
    """Return a mail; its recipients have valid addresses."""
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(date)
    message["From"] = header_address(sender)
    message["Subject"] = one_line(subject)[:_LONGEST_SUBJECT]
    domain = (address_of(sender) or "localhost@localhost").rpartition("@")[2]
    message["Message-ID"] = make_msgid(domain=domain)
    message["To"] = [header_address(one) for one in to]
    if copies:
        message["Cc"] = [header_address(one) for one in copies]
    message["Auto-Submitted"] = "auto-generated"
    for name, value in headers.items():
        if is_field_name(name) and not is_ours(name):
            message[name] = one_line(value)
    text = _encodable("" if body is None else str(body))
    message.set_content(text, subtype="html" if kind == "html" else "plain", charset="utf-8")
    for number, patch in enumerate(patches):
        _attach(message, f"source patch {number}", patch.get("body"), "diff")
    for log in logs:
        name = f"{log['stepname']}.{log['name']}"
        _attach(message, name, log_text(log), "html" if log.get("type") == "h" else "plain")
    return message


def _attach(message: EmailMessage, name: str, content: Any, subtype: str) -> None:
    text = content.decode(errors="replace") if isinstance(content, bytes) else str(content)
    message.add_attachment(
        _encodable(text),
        subtype="plain" if subtype == "diff" else subtype,
        charset="utf-8",
        filename=one_line(name) or "attachment",
    )


def _encodable(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n").replace("\x00", "\ufffd"))
