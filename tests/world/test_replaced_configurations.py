"""What replaced configurations leave is freed beside everything else."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from written import written

from chargehand.app.garbage import ReplacedConfigurations
from chargehand.kit.circles import Scope
from chargehand.kit.tasks import Tasks
from chargehand.testing.world import world

_CONFIGURATION = """
    import builtins, dataclasses, enum, functools
    from twisted.internet import defer

    class Colour(enum.Enum):
        RED = 1
        def paint(self):
            return everything

    @dataclasses.dataclass
    class Machine:
        colours: list = dataclasses.field(default_factory=lambda: [everything])

    @functools.lru_cache
    def machine(name):
        return Machine()

    @util.renderer
    async def words(properties):
        return ['echo', f'{VERSION} of {len(everything)}']

    class Mine(steps.ShellCommand):
        def __init__(self, **more):
            super().__init__(**more)
            self.machine = machine(self.name)
        @defer.inlineCallbacks
        def run(self):
            return (yield super().run())

    def first(builder, requests):
        return everything and requests[0]

    everything = c['builders']
    for index in range(10):
        version = VERSION if index < CHANGED else 0
        mine = Mine(name=f's{version}', command=['true', str(machine(index))])
        add(f'b{index}', mine, nextBuild=first)
        add(f'plain{index}', sh(f'true {version}'))
    add('long', blocking('wait'), Mine(name='after', command=words))
    builtins.seen.extend(c['builders'])
    """


def _version(number: int, changed: int = 10) -> str:
    text = _CONFIGURATION.replace("VERSION", str(number)).replace("CHANGED", str(changed))
    return written(text)


class _Seen:
    """Builders that there have been."""

    def __init__(self) -> None:
        self._references: list[weakref.ref[object]] = []

    def extend(self, builders: list[object]) -> None:
        """See more of them."""
        self._references.extend(map(weakref.ref, builders))

    @property
    def alive(self) -> int:
        """How many there are now."""
        return sum(one() is not None for one in self._references)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> _Seen:
    """Builders of all readings of the configuration."""
    seen = _Seen()
    monkeypatch.setattr("builtins.seen", seen, raising=False)
    monkeypatch.setattr(gc, "collect", None)  # Nothing is to be left to it.
    return seen


@pytest.mark.parametrize("changed", [0, 1, 10])
async def test_readings_leave_nothing_whatever_has_changed(seen: _Seen, changed: int):
    async with world(_version(0, changed)) as ci:
        for number in range(1, 6):
            await ci.reconfigure(_version(number, changed))
            await ci.sleep(2)
            assert seen.alive <= 2 * 21


async def test_refused_readings_leave_nothing(seen: _Seen):
    async with world(_version(0)) as ci:
        for number in range(1, 4):
            with pytest.raises(Exception, match="unknown key"):
                await ci.reconfigure(_version(number) + "\nc['nonsense'] = 1\n")
            await ci.sleep(2)
            assert seen.alive == 21
        assert gc.isenabled()


async def test_a_build_goes_on_with_what_it_began_with(seen: _Seen):
    async with world(_version(0)) as ci:
        request = await ci.force("long")
        await ci.sleep(2)
        for number in (1, 2):
            await ci.reconfigure(_version(number))
            await ci.sleep(2)
        ci.worker("local").let_go("wait")
        await ci.finished(request)
        build = ci.last_build("long")
        assert await ci.text(build, "after")
        await ci.reconfigure(_version(3))
        await ci.sleep(2)
        assert seen.alive <= 2 * 21  # When the build has ended, what it used is freed, too.


async def test_what_nothing_else_finds_is_collected_seldom_and_in_a_quiet_moment():
    tasks = Tasks("test")
    quiet = False
    replaced = ReplacedConfigurations(
        tasks=tasks,
        leftovers=lambda: Scope(roots=[], is_inside=bool),
        is_quiet=lambda: quiet,
    )

    class Knot:
        """A class refers to itself."""

    seen = weakref.ref(Knot)
    del Knot
    for _ in range(99):
        with replaced.reading():
            await replaced.replaced([])
    quiet = True
    await asyncio.sleep(100)
    assert seen() is not None
    quiet = False
    await replaced.replaced([])
    await asyncio.sleep(100)
    assert seen() is not None
    quiet = True
    await asyncio.sleep(100)
    assert seen() is None
    await tasks.close()
