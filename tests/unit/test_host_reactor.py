"""Twisted's reactor in our loop: what users' code does with it works, and the loop stays ours."""

import subprocess
import sys
from pathlib import Path

from waiting import PATIENCE

SOURCE = str(Path(__file__).resolve().parents[2] / "src")

PROGRAM = """
import asyncio, logging, sys
sys.path.insert(0, {source!r})
records = []
class Keep(logging.Handler):
    def emit(self, record): records.append((record.levelname, record.getMessage()))
logging.basicConfig(level=logging.INFO, handlers=[Keep()])

async def main():
    from buildbot._border import bridge
    from buildbot._border.reactor import install_reactor
    loop = asyncio.get_running_loop()
    guest = install_reactor(loop)
    bridge.install(loop)
    from twisted.internet import defer, reactor, task, threads, utils
    from twisted.python import log

    async def extension():
        forty = await threads.deferToThread(lambda: 40)
        named = dict(call=1, on_result=2, function=3)
        assert await threads.deferToThread(lambda **given: given, **named) == named
        two = await task.deferLater(reactor, 0.01, lambda: 2)
        output = await utils.getProcessOutput('/bin/echo', ['hi'])
        await asyncio.to_thread(int)
        return forty + two, output

    assert reactor is guest
    assert await bridge.inward(extension) == (42, b'hi\\n')
    assert await (await asyncio.create_subprocess_exec('/bin/true')).wait() == 0
    log.msg('hello')
    log.err(ValueError('broken'), 'why')
    reactor.crash()
    await asyncio.sleep(0)
    assert loop.is_running()

asyncio.run(main())
asyncio.run(main())
assert ('INFO', 'hello') in records, records
assert any(level == 'CRITICAL' and 'broken' in text for level, text in records), records
print('done')
"""


def test_users_code_may_use_the_reactor_in_one_loop_after_the_other():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(source=SOURCE)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert (done.stdout, done.stderr) == ("done\n", "")
