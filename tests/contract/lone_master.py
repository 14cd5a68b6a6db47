"""A master that starts one worker with one command, prints both process ids, and waits."""

import asyncio
import sys
from pathlib import Path

import zstandard

from chargehand.config.model import WorkerConfig
from chargehand.domain.command import Command, CommandUpdate, Output
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import Session
from chargehand.links.native.local import LocalLinks
from chargehand.links.native.local_listener import LocalListener


class OneCommand:
    """A registry that gives each worker something to do."""

    async def attach(self, session: Session) -> None:
        script = "echo pids $PPID $$; exec sleep 600"
        arguments = {"workdir": "b", "command": script}
        command = Command(id=CommandId("1"), name="shell", arguments=arguments)
        await session.run(command, self._tell)

    def changed(self, session: Session) -> None:
        pass

    async def detach(self, session: Session, reason: str) -> None:
        pass

    def _tell(self, update: CommandUpdate) -> None:
        if isinstance(update, Output):
            text = zstandard.ZstdDecompressor().decompress(update.segment.data)
            for line in text.splitlines():
                if line.startswith(b"opids"):
                    print(line.removeprefix(b"opids").decode(), flush=True)


async def main() -> None:
    basedir = Path(sys.argv[1])
    links = LocalLinks(reception=LocalListener(basedir / "agents"), directory=basedir)
    settings = {"reconnect_timeout": float(sys.argv[2])}
    link = links(WorkerConfig(name="w", kind="local", settings=settings), OneCommand())
    await link.start()
    await asyncio.Event().wait()


asyncio.run(main())
