"""Mails of a running master, to a real mail server, also to one that is away for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from connections import free_port

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


_OF_MISSING_WORKERS = """
c['workers'].append(
    worker.LocalWorker('away', notify_on_missing=['ops', 'eve@b.example'], missing_timeout=60))
c['services'] = [reporters.MailNotifier(
    'ci@example.org', relayhost='127.0.0.1', smtpPort={port}, lookup='example.org',
    extraRecipients=['all@example.org'], sendToInterestedUsers=False,
    generators=[reporters.WorkerMissingGenerator()])]
"""


async def test_mails_about_missing_workers_go_to_whom_they_concern(tmp_path: Path) -> None:
    """As Buildbot's do, whatever the reporter says of interested users and other recipients."""
    port = free_port()
    configuration = (CONFIG + _OF_MISSING_WORKERS).format(port=port, mode="all")
    async with mail_server(port) as box, world(configuration, path=tmp_path) as ci:
        for name in ("away", "w"):
            ci.worker(name).leave()
        await ci.sleep(61)
        await ci.until("a mail", lambda: _of(box, 1))

    ((recipients, mail),) = box.mails
    assert recipients == ["eve@b.example", "ops@example.org"]
    assert (mail["To"], mail["Cc"]) == ("eve@b.example, ops@example.org", None)
    assert mail["Subject"] == "Buildbot Chargehand worker away missing"
    assert "The worker named away of Chargehand has gone away" in mail.get_content()


_WITH_PATCHES = """
c['schedulers'].append(schedulers.ForceScheduler(name='force', builderNames=['b'],
    codebases=[util.CodebaseParameter('', patch=util.PatchParameter())]))
c['services'] = [reporters.MailNotifier(
    'ci@example.org', relayhost='127.0.0.1', smtpPort={port}, extraRecipients=['all@example.org'],
    sendToInterestedUsers=False, generators=[
        reporters.BuildStatusGenerator(mode='all', add_patch=True),
        reporters.BuildSetStatusGenerator(mode='all', add_patch=True,
            message_formatter=reporters.MessageFormatter(template_type='html'))])]
"""
_PATCH = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+\u00fc\n"


async def test_mails_have_the_patch_that_was_built(tmp_path: Path) -> None:
    """Buildbot 4.3 fails on every patch here."""
    port = free_port()
    configuration = (CONFIG + _WITH_PATCHES).format(port=port, mode="all")
    async with mail_server(port) as box, world(configuration, path=tmp_path) as ci:
        await ci.build("b", patch_body=_PATCH, patch_level=1, patch_author="ann", patch_comment="")
        await ci.until("two mails", lambda: _of(box, 2), within=400)

    for _, mail in box.mails:
        (attached,) = mail.iter_attachments()
        assert attached.get_filename() == "source patch 0"
        assert attached.get_content() == _PATCH
        body: Any = mail.get_body()
        address = "http://localhost:8010/#/builders/1/builds/1/steps/1/logs/stdio"
        listed = "html" in body.get_content_type()
        link = f'<a href="{address}">stdio</a>' if listed else f"        - stdio: {address}\n"
        assert link in body.get_content()
