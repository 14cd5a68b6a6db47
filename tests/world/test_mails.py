"""Mails of a running master, to a real mail server, also to one that is away for a while."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from chargehand.testing.world import world

CONFIG = """
from buildbot.plugins import reporters, schedulers, steps, util, worker

c = BuildmasterConfig = {{}}
c['workers'] = [worker.LocalWorker('w')]
f = util.BuildFactory([steps.ShellCommand(name='compile', command='make')])
c['builders'] = [util.BuilderConfig(name='b', workernames=['w'], factory=f)]
c['schedulers'] = [
    schedulers.AnyBranchScheduler(name='all', builderNames=['b'], treeStableTimer=None)]
c['services'] = [reporters.MailNotifier(
    'Farm <ci@example.org>', relayhost='127.0.0.1', smtpPort={port}, lookup='example.org',
    extraRecipients=['all@example.org'], extraHeaders={{'X-Branch': util.Property('branch')}},
    generators=[reporters.BuildStatusGenerator(mode={mode!r}, message_formatter=
        reporters.MessageFormatter('{{{{ summary }}}}', want_logs_content=True))])]
"""


class Mailbox:
    """Keeps what the server takes."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message: Any = message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=default)
        self.mails.append((envelope.rcpt_tos, message))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def mail_server(port: int) -> AsyncIterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="localhost", loop=loop), "127.0.0.1", port
    )
    try:
        yield box
    finally:
        server.close()


async def test_mails_reach_everybody_concerned(tmp_path: Path) -> None:
    port = free_port()
    configuration = CONFIG.format(port=port, mode="failing")
    async with mail_server(port) as box, world(configuration, path=tmp_path) as ci:
        ci.worker("w").on("make", output="oops\n", rc=1)
        await ci.push(branch="main", author="ann")
        await ci.push(branch="x\r\nBcc: evil@example.com", author="Bob <bob@b.example>")
        await ci.until_idle()
        await ci.until("two mails", lambda: _of(box, 2))

    (to_ann, first), (to_bob, second) = box.mails
    assert to_ann == ["ann@example.org", "all@example.org"]
    assert to_bob == ["bob@b.example", "all@example.org"]
    assert (first["From"], first["To"], first["Cc"]) == (
        "Farm <ci@example.org>",
        "ann@example.org",
        "all@example.org",
    )
    assert first["Subject"] == "☠ Buildbot (Chargehand): b - failed: compile (exit 1) (main)"
    assert first["X-Branch"] == "main"
    body, stdio = first.iter_parts()
    assert body.get_content() == "BUILD FAILED: compile (exit 1)\n"
    assert (stdio.get_filename(), "oops" in stdio.get_content()) == ("compile.stdio", True)
    assert second["Bcc"] is None
    assert second["X-Branch"] == "x Bcc: evil@example.com"


async def _of(box: Mailbox, number: int) -> bool:
    return len(box.mails) >= number


async def test_a_mail_server_that_is_away_holds_up_nothing_and_gets_all_mails_later(
    tmp_path: Path,
) -> None:
    port = free_port()
    async with world(CONFIG.format(port=port, mode="passing"), path=tmp_path) as ci:
        for branch in ("one", "two"):
            await ci.push(branch=branch, author="ann")
        await ci.until_idle()
        assert [build.result for build in ci.builds()] == [0, 0]
        await ci.sleep(200)
        assert ci.log.count("cannot send") == 1
        assert f"cannot send: the mail server 127.0.0.1:{port}:" in ci.log
        assert "Check relayhost, smtpPort, smtpUser and smtpPassword" in ci.log

        async with mail_server(port) as box:
            await ci.until("two mails", lambda: _of(box, 2), within=400)
        assert [mail["X-Branch"] for _, mail in box.mails] == ["one", "two"]
        assert "can send again" in ci.log

        await ci.push(branch="three", author="ann")
        await ci.until_idle()
        await ci.settle()
        other = free_port()
        await ci.reconfigure(CONFIG.format(port=other, mode="passing"))
        assert 'stopped with 1 unsent: the mail "☺ Buildbot (Chargehand): b - build suc' in ci.log
        async with mail_server(other) as box:
            await ci.until("the mail kept over the change", lambda: _of(box, 1), within=400)
        assert box.mails[0][1]["X-Branch"] == "three"
