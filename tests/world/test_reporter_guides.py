"""What the guides about mail and reporters give people to copy does what they say."""

from __future__ import annotations

import asyncio
import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiohttp import web
from connections import free_port
from test_mails import mail_server

from chargehand.testing.world import world

_GUIDES = Path(__file__).parents[2] / "docs" / "how-to"

_FARM = """
from buildbot.plugins import reporters, schedulers, secrets, steps, util, worker

c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('w')]
f = util.BuildFactory([steps.ShellCommand(name='compile', command='make')])
c['builders'] = [util.BuilderConfig(name='b', workernames=['w'], factory=f)]
c['schedulers'] = [
    schedulers.AnyBranchScheduler(name='all', builderNames=['b'], treeStableTimer=None)]
c['secretsProviders'] = [secrets.SecretInAFile(basedir + '/secrets')]
"""


def _blocks(guide: str) -> list[str]:
    text = (_GUIDES / f"{guide}.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _body(mail: EmailMessage) -> str:
    body = mail.get_body()
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    for name in ("mail-password", "chat-token"):
        (tmp_path / "secrets" / name).write_text("hush")
        (tmp_path / "secrets" / name).chmod(0o600)
    return tmp_path


async def test_the_guide_to_mails_sends_mails(place: Path) -> None:
    settings, formatter = _blocks("send-mail")
    port = free_port()
    settings = re.sub(r" *(smtpPort|useTls|smtpUser|smtpPassword)=.*\n", "", settings).replace(
        "relayhost='mail.example.org'", f"relayhost='127.0.0.1', smtpPort={port}"
    )
    other = (
        "c['services'].append(reporters.MailNotifier('a@b.org', relayhost='127.0.0.1', "
        f"smtpPort={port}, extraRecipients=['x@b.org'], sendToInterestedUsers=False, "
        "generators=[generator]))"
    )
    async with (
        mail_server(port) as box,
        world(_FARM + settings + formatter + other, path=place) as ci,
    ):
        ci.worker("w").on("make", output="oops\n", rc=1)
        await ci.push(author="ann")
        await ci.until_idle()
        ci.worker("w").on("make")
        await ci.push(author="ann")
        await ci.until_idle()

        async def both() -> bool:
            return len(box.mails) >= 2

        await ci.until("two mails", both)

    (failing,) = [mail for to, mail in box.mails if to == ["x@b.org"]]
    (change,) = [mail for to, mail in box.mails if to == ["ann@example.org", "builds@example.org"]]
    assert failing["Subject"] == "b: failed build"
    assert "compile: " in _body(failing) and "\noops\n" in _body(failing)
    assert "A restored build has been detected" in change.get_content()


async def test_the_guide_to_reporters_reports(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chat, service = _blocks("write-a-reporter")
    got: list[tuple[dict[str, str], str]] = []

    async def answer(request: web.Request) -> web.Response:
        got.append((await request.json(), request.headers["Authorization"]))
        return web.Response()

    application = web.Application()
    application.router.add_post("/messages", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    text = _FARM + chat.replace("https://chat.example.org", address) + service
    async with world(text + "c['services'].append(Slowest())\n", path=place) as ci:
        for rc in (0, 1, 1):
            ci.worker("w").on("make", rc=rc, seconds=2)
            await ci.push()
            await ci.until_idle()

        async def heard() -> bool:
            return bool(got)

        await ci.until("a message", heard)
    await runner.cleanup()
    await asyncio.sleep(0)

    url = "http://localhost:8010/#/builders/1/builds/2"
    assert got == [({"text": f"b fails: {url}"}, "Bearer hush")]
    assert f"b compile {url}" in capfd.readouterr().out
