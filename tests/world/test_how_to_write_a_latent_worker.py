"""What the guide about latent workers shows works as it is written."""

from __future__ import annotations

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result

_RACK = """
class Rack:
    images = ('debian-12', 'debian-13')
    slots = [None]

    def power_on(self, image):
        if self.slots[0] is None:
            self.slots[0] = image
            return 1

    def power_off(self, slot):
        self.slots[0] = None

    def has_power(self, slot):
        return self.slots[0] is not None

    def image_in(self, slot):
        return self.slots[0]

RACK = Rack()
"""
_BUILDERS = """
for release in (12, 13, 14):
    add(f'debian{release}', sh('true'), workernames=['rack-1'], properties={'release': release})
"""


async def test_the_guide_about_latent_workers_shows_one_that_works() -> None:
    configuration = _RACK + code_of("write-a-latent-worker") + _BUILDERS
    async with started(configuration) as ci:
        first = await ci.build("debian12")
        second = await ci.build("debian13")
        third = await ci.build("debian14")

        assert first.result is Result.SUCCESS
        assert "worker rack-1 was started: slot 1, debian-12" in ci.log
        assert second.result is Result.SUCCESS
        assert "worker rack-1 was started: slot 1, debian-13" in ci.log
        assert third.result is Result.EXCEPTION
        assert third.state == 'worker rack-1 could not be started: rack has no image "debian-14"'
