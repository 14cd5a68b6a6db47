"""What visitors are answered while the master starts and stops."""

from __future__ import annotations

from written import started

_SERVICE = """
import asyncio
from buildbot.util.service import BuildbotService

async def ask(path):
    reader, writer = await asyncio.open_unix_connection(str(HERE / 'http-1'))
    writer.write(f'GET {path} HTTP/1.0\\r\\n\\r\\n'.encode())
    answer = await reader.read()
    writer.close()
    return answer.split()[1].decode()

class Curious(BuildbotService):
    async def note(self, when):
        statuses = [await ask(path) for path in ('/health', '/ready', '/api/v2/builders', '/')]
        with open(HERE / 'notes', 'a') as file:
            file.write(' '.join([when, *statuses]) + '\\n')

    async def startService(self):
        await super().startService()
        await self.note('starting')

    async def stopService(self):
        await self.note('stopping')
        await super().stopService()

c['services'] = [Curious(name='curious')]
add('b', sh('true'))
"""


async def test_nothing_but_health_is_served_before_the_configuration_is_in_force_and_at_the_end(
    tmp_path,
) -> None:
    async with started(_SERVICE, tmp_path) as ci:
        assert (await ci.build("b")).result == 0

    notes = (tmp_path / "notes").read_text()
    assert notes == "starting 200 503 503 503\nstopping 200 503 503 503\n"
