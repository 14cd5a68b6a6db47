"""A master that starts one worker with one command, prints both process ids, and waits."""

import asyncio
import sys
from pathlib import Path

import zstandard

from chargehand.domain.command import Command, CommandUpdate, Output
from chargehand.domain.identifiers import CommandId
from chargehand.links.local import LocalLink
from chargehand.links.session import WireSession


class OneCommand:
    """A registry that gives each worker something to do."""

    async def attach(self, session: WireSession) -> None:
        script = "echo pids $PPID $$; exec sleep 600"
        arguments = {"workdir": "b", "command": script}
        command = Command(id=CommandId("1"), name="shell", arguments=arguments)
        await session.run(command, self._tell)

    def lost(self, session: WireSession) -> None:
        pass

    async def detach(self, session: WireSession) -> None:
        pass

    def _tell(self, update: CommandUpdate) -> None:
        if isinstance(update, Output):
            text = zstandard.ZstdDecompressor().decompress(update.segment.data)
            for line in text.splitlines():
                if line.startswith(b"opids"):
                    print(line.removeprefix(b"opids").decode(), flush=True)


async def main() -> None:
    link = LocalLink(name="w", basedir=Path(sys.argv[1]), registry=OneCommand())
    await link.start()
    await asyncio.Event().wait()


asyncio.run(main())
