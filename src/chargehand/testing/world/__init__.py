"""A whole master in one loop, in virtual time: for scenarios that take milliseconds.

::

    async with world(CONFIGURATION) as ci:
        ci.worker("w").on("make test", rc=2, output="1 failed", seconds=90)
        await ci.push(branch="main", revision="abc")
        await ci.until_idle()
        assert ci.last_build("tests").result is Result.FAILURE

Everything is real: the configuration is read as a ``master.cfg``, the database is SQLite in a
directory, pages and REST are answered over HTTP, workers speak the wire protocol. Only time, the
programs that workers run, and the wire between them are the test's. The running loop must be a
`VirtualTimeLoop`.
"""

from chargehand.testing.world.client import Json, Refused, Row
from chargehand.testing.world.outcomes import Outcome, usual_outcome
from chargehand.testing.world.virtual_time import VirtualClock, VirtualTimeLoop
from chargehand.testing.world.worker import WorldWorker
from chargehand.testing.world.world import StillBusy, World, world

__all__ = [
    "Json",
    "Outcome",
    "Refused",
    "Row",
    "StillBusy",
    "VirtualClock",
    "VirtualTimeLoop",
    "World",
    "WorldWorker",
    "usual_outcome",
    "world",
]
