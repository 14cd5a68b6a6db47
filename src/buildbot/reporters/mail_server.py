"""The mail server, as reporters use it."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from email.message import EmailMessage

import aiosmtplib
import msgspec

from buildbot.reporters.outbox import NotNow, Refused, Unavailable
from chargehand.kit.error_text import message_of
from chargehand.kit.values import shown_without

_SECONDS = 60.0


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail and who gets it."""

    message: EmailMessage
    sender: str
    recipients: Sequence[str]


@shown_without("password")
class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mails go first, and how."""

    host: str
    port: int
    starttls: bool = False
    smtps: bool = False
    user: str | None = None
    password: str | None = None

    def __str__(self) -> str:
        return f"the mail server {self.host}:{self.port}"

    async def send(self, mail: Mail) -> None:
        """Hand a mail over. Raises Unavailable, NotNow or Refused."""
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.smtps,
            start_tls=self.starttls,
            username=self.user,
            password=self.password,
            timeout=_SECONDS,
        )
        try:
            async with client:
                refused, _ = await client.send_message(
                    mail.message, sender=mail.sender, recipients=list(mail.recipients)
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _answered(self, error.recipients) from error
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
            kind = NotNow if error.code < 500 else Refused
            raise kind(f"{self} answered {error.code} {error.message}") from error
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise Unavailable(f"{self}: {_reason(error)}") from error
        if refused:
            raise _Partly(f"{self} did not take it for {', '.join(sorted(refused))}")


class _Partly(Refused):
    """The others have got it."""


def _answered(
    server: MailServer, refused: Sequence[aiosmtplib.SMTPRecipientRefused]
) -> NotNow | Refused:
    """Return what it means that no recipient was accepted."""
    said = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in refused)
    kind = NotNow if any(one.code < 500 for one in refused) else Refused
    return kind(f"{server} takes no recipient ({said})")


def _reason(error: BaseException) -> str:
    text = " ".join(message_of(error).split()) or type(error).__name__
    if "certificate" in text.lower():
        return (
            f"{text}. Have its certificate signed by an authority that this machine trusts, or "
            "name the authority's file in the environment variable SSL_CERT_FILE"
        )
    return text
