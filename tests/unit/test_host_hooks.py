"""Users' functions get Buildbot's objects, and the engine gets its own values back."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgspec
import pytest
from twisted.internet import defer

from buildbot._border import bridge
from buildbot._host.reading.hooks import Hooks
from buildbot._host.views.engine_access import EngineAccess
from buildbot.locks import MasterLock
from buildbot.process.rendering import renderer
from buildbot.worker.base import Worker
from chargehand.dispatch.ports import WorkerSlot
from chargehand.domain.buildset import BuildRequest, PendingRequest
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp


class Stamps:
    """Source stamps whose branch is their number."""

    def __init__(self):
        self.questions = 0

    async def stamps(self, ids):
        self.questions += 1
        return {
            number: StoredSourceStamp(
                id=number, created_at=0.0, stamp=SourceStamp(branch=f"branch{number}")
            )
            for number in ids
        }


class Fleet:
    def __init__(self):
        self.rests = []

        self.connected = [slot("w1"), slot("w2"), slot("away", connected=False)]

    def rest(self, name, seconds):
        self.rests.append((name, seconds))

    def slots(self, names):
        return [one for one in self.connected if one.name in names]


class SmallEngine:
    def __init__(self):
        self.stamps = Stamps()
        self.workers = Fleet()
        self.builders = self

    def ids(self, names):
        return [1 for _ in names]

    def is_busy(self, worker_name, builder_id):
        return False


class Configured:
    """What the user wrote for a builder."""

    tags = ["t"]
    workernames = ("w1", "w2", "away")


def pending(number, priority=0):
    return PendingRequest(
        request=BuildRequest(
            id=number, buildset_id=number, builder_id=1, submitted_at=5.0, priority=priority
        ),
        reason=f"reason{number}",
        source_stamp_ids=(number,),
        sources=(("", "", "", f"branch{number}"),),
        properties={"p": (number, "test")},
    )


def slot(name, *, connected=True, **config):
    return WorkerSlot(
        name=name,
        id=1,
        connected=connected,
        paused=False,
        pause_reason=None,
        running=0,
        max_builds=1,
        locks=(),
        config=type("Config", (), {"properties": {"os": ("linux", "Worker")}, **config}),
    )


@pytest.fixture(autouse=True)
async def installed():
    bridge.install(asyncio.get_running_loop())


@pytest.fixture
def engine():
    return SmallEngine()


@pytest.fixture
def hooks(engine):
    access = EngineAccess()
    access.master = "the master"
    access.attach(engine)
    return Hooks(access, {"b": Configured()})


async def test_next_build_chooses_among_requests_with_their_sources(hooks, engine):
    def chooses(builder, requests):
        assert builder.name == "b"
        assert builder.tags == ["t"]
        assert builder.master == "the master"
        assert [request.sources[""].branch for request in requests] == ["branch1", "branch2"]
        assert requests[0].source.branch == "branch1"
        assert requests[0].properties.getProperty("p") == 1
        assert (requests[0].id, requests[0].bsid, requests[0].reason) == (1, 1, "reason1")
        assert requests[0].submittedAt == 5.0
        return requests[1]

    waiting = [pending(1), pending(2)]

    assert await hooks.next_build(chooses)("b", waiting) is waiting[1]
    assert await hooks.next_build(chooses)("b", waiting) is waiting[1]
    assert engine.stamps.questions == 1


async def test_next_build_gets_requests_as_submitted_and_the_workers_that_are_there(hooks):
    def chooses(builder, requests):
        assert [one.worker.workername for one in builder.workers] == ["w1", "w2"]
        return requests[0]

    urgent = pending(2, priority=10)
    waiting = [urgent, pending(1), pending(3)]

    chosen = await hooks.next_build(chooses)("b", waiting)

    assert chosen is waiting[1]


async def test_next_build_gets_a_list_of_its_own_and_each_request_is_made_once(hooks):
    given = []

    def chooses(builder, requests):
        requests.sort(key=lambda request: -request.id)
        given.append(requests)
        return requests[0]

    hook = hooks.next_build(chooses)
    first, second, third = pending(1), pending(2), pending(3)
    raised = pending(2, priority=7)

    assert await hook("b", [first, second]) is second
    assert await hook("b", [first, raised, third]) is third

    assert given[1][2] is given[0][1]
    assert [request.priority for request in given[1]] == [0, 7, 0]


async def test_next_build_may_choose_none_and_nothing_else(hooks):
    assert await hooks.next_build(lambda builder, requests: None)("b", [pending(1)]) is None
    with pytest.raises(TypeError, match="nextBuild must return one of the given requests"):
        await hooks.next_build(lambda builder, requests: "x")("b", [pending(1)])


async def test_next_worker_may_be_written_in_any_style_and_of_old_with_two_arguments(hooks):
    @defer.inlineCallbacks
    def inline(builder, workers, request):
        yield defer.succeed(None)
        assert request.id == 1
        return workers[-1]

    async def coroutine(builder, workers, request):
        return next(w for w in workers if w.worker.properties["os"] == "linux")

    slots = [slot("one"), slot("two")]

    assert await hooks.next_worker(inline)("b", slots, pending(1)) is slots[1]
    assert await hooks.next_worker(coroutine)("b", slots, pending(1)) is slots[0]
    old = hooks.next_worker(lambda builder, workers: workers[1])
    assert await old("b", slots, pending(1)) is slots[1]


async def test_can_start_build_sees_the_worker_as_configured(hooks):
    class MyWorker:
        speed = 3

    def fast_enough(builder, worker, request):
        assert worker.worker.workername == worker.worker.name == "one"
        assert worker.isAvailable()
        assert worker.worker.info.getProperty("numcpus") is None
        with pytest.raises(AttributeError, match="no attribute"):
            worker.worker.colour  # noqa: B018 - looked for
        return worker.worker.speed > 2

    hook = hooks.can_start_build(fast_enough)

    assert await hook("b", slot("one", extension=MyWorker()), pending(1)) is True


async def test_collapse_requests_gets_requests_as_the_rest_api_has_them(hooks):
    def same_priority(master, builder, one, other):
        assert (master, builder.name) == ("the master", "b")
        assert one["buildrequestid"] == 1
        return one["priority"] == other["priority"]

    hook = hooks.collapse_requests(same_priority)

    assert await hook("b", pending(1), pending(2)) is True
    assert await hook("b", pending(1), pending(2, priority=1)) is False


@pytest.mark.parametrize("nonsense", [1, 0, "x", "", [1], defer.succeed("yes")])
async def test_collapse_requests_answers_true_or_false(hooks, nonsense):
    hook = hooks.collapse_requests(lambda *_: nonsense)

    with pytest.raises(TypeError, match="collapseRequests must return True or False"):
        await hook("b", pending(1), pending(2))
    assert await hooks.collapse_requests(lambda *_: None)("b", pending(1), pending(2)) is False


async def test_prioritize_builders_orders_builders_by_name(hooks):
    hook = hooks.prioritize_builders(
        lambda master, builders: sorted(builders, key=lambda builder: builder.name)
    )

    assert await hook(["c", "a", "b"]) == ["a", "b", "c"]


async def test_a_codebase_is_a_string(hooks):
    assert (
        await hooks.codebase_generator(lambda change: change["repository"])({"repository": "r"})
        == "r"
    )
    with pytest.raises(TypeError, match="codebaseGenerator must return a string"):
        await hooks.codebase_generator(lambda change: None)({})


async def test_locks_may_depend_on_properties(hooks):
    lock = MasterLock("l", maxCount=2)

    @renderer
    def locks(props):
        return [lock.access("counting")] if props.getProperty("heavy") else []

    hook = hooks.locks(locks)

    assert [access.lock.name for access in await hook({"heavy": (True, "x")})] == ["l"]
    assert await hook({}) == ()


async def test_can_start_build_may_put_the_worker_in_quarantine_ever_longer(hooks, engine):
    def no(builder, wfb, request):
        wfb.worker.putInQuarantine()
        return False

    for _ in range(3):
        assert not await hooks.can_start_build(no)("b", slot("w"), pending(1))

    assert engine.workers.rests == [("w", 10), ("w", 20), ("w", 40)]


async def test_the_worker_of_the_configuration_says_how_long_quarantines_last(hooks, engine):
    class Impatient(Worker):
        quarantine_initial_timeout = 3
        quarantine_max_timeout = 5

    def no(builder, wfb, request):
        wfb.worker.putInQuarantine()
        return False

    configured = Impatient("w", "secret")
    place = msgspec.structs.replace(slot("w"), config=configured._as_worker_config())
    for _ in range(3):
        assert not await hooks.can_start_build(no)("b", place, pending(1))
    assert engine.workers.rests == [("w", 3), ("w", 5), ("w", 5)]

    with pytest.raises(RuntimeError, match="no master is running"):
        configured.putInQuarantine()
    configured.master = SimpleNamespace(access=hooks._access)
    configured.resetQuarantine()
    configured.putInQuarantine()
    configured.exitQuarantine()
    assert engine.workers.rests[3:] == [("w", 3), ("w", 0)]


async def test_the_configuration_may_set_how_long_the_next_quarantine_lasts(hooks, engine):
    configured = Worker("w", "secret")
    configured.quarantine_timeout = 4
    place = msgspec.structs.replace(slot("w"), config=configured._as_worker_config())

    def no(builder, wfb, request):
        wfb.worker.putInQuarantine()
        return wfb.worker.quarantine_timeout != 8

    assert configured.quarantine_timeout == 4
    assert not await hooks.can_start_build(no)("b", place, pending(1))
    assert engine.workers.rests == [("w", 4)]


async def test_a_quarantine_may_last_as_long_as_the_user_wants(hooks, engine):
    def no(builder, wfb, request):
        wfb.worker.quarantine_timeout = 7200
        wfb.worker.putInQuarantine()
        wfb.worker.resetQuarantine()
        return wfb.worker.quarantine_timeout == 7200

    assert not await hooks.can_start_build(no)("b", slot("w"), pending(1))
    assert engine.workers.rests == [("w", 7200)]
