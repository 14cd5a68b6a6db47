"""Builds run their steps to the end that Buildbot's users know."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from step_workshop import StepWorkshop
from waiting import PATIENCE

from buildbot.locks import MasterLock, lock_accesses
from buildbot.process.build import Build
from buildbot.process.buildstep import BuildStep, BuildStepCancelled, BuildStepFailed
from buildbot.process.factory import BuildFactory
from buildbot.process.properties import Interpolate, Property, renderer
from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, RETRY, SUCCESS, WARNINGS
from buildbot.steps.shell import ShellCommand
from chargehand.dispatch.locks import LockTable
from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.identifiers import BuildId
from chargehand.domain.lock import LockHolder
from chargehand.domain.result import Result
from chargehand.domain.retry import MOST_RETRIES
from chargehand.domain.session import CommandRefused, WorkerLost
from chargehand.domain.source_stamp import SourceStamp
from chargehand.kit.clock import SystemClock
from chargehand.kit.values import replace
from chargehand.testing.execution import sources_of
from chargehand.testing.free_locks import FreeLocks
from chargehand.testing.scripted_session import Script, ScriptedSession


class Returns(BuildStep):
    def __init__(self, value=SUCCESS, step=None, build=None, **kwargs):
        self.value, self.step_text, self.build_text = value, step, build
        super().__init__(**kwargs)

    def run(self):
        return self.value

    def getResultSummary(self):
        summary = {"step": self.step_text, "build": self.build_text}
        return {name: text for name, text in summary.items() if text is not None}


def exit_codes(command):
    words = str(command.arguments.get("command")).split()
    return Script(stdout="out\n", rc=int(words[1]) if words[0] == "exit" else 0)


async def test_a_trivial_build_is_successful():
    workshop = StepWorkshop(ShellCommand(command=["echo", "hi"]))

    build = await workshop.run()

    assert (build.result, build.state) == (Result.SUCCESS, "build successful")
    preparation, shell = workshop.steps.steps.values()
    assert (preparation.number, preparation.name) == (0, "worker_preparation")
    assert preparation.state == "worker w1 ready"
    assert (shell.number, shell.name, shell.state) == (1, "shell", "'echo hi'")
    assert workshop.logs.text("stdio") == "hshell\n"
    assert workshop.builds.completed == {1: Result.SUCCESS}


async def test_a_failed_build_tells_what_failed():
    workshop = StepWorkshop(
        ShellCommand(command="exit 3", name="a"),
        ShellCommand(command="exit 2", name="b"),
        ShellCommand(command="true", name="c"),
        session=ScriptedSession(exit_codes),
    )

    build = await workshop.run()

    assert build.state == "failed: a, b"
    assert workshop.outcome() == [
        ("a", 2, "'exit 3' (failure)"),
        ("b", 2, "'exit 2' (failure)"),
        ("c", 0, "'true'"),
    ]


async def test_a_halted_build_runs_only_what_always_runs():
    workshop = StepWorkshop(
        ShellCommand(command="exit 3", name="a", haltOnFailure=True),
        ShellCommand(command="true", name="b"),
        ShellCommand(command="true", name="c", alwaysRun=True),
        session=ScriptedSession(exit_codes),
    )

    await workshop.run()

    assert [name for name, _, _ in workshop.outcome()] == ["a", "c"]


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([Returns(FAILURE, "st")], "failed: generic (st)"),
        ([Returns(FAILURE, "st", "bt")], "failed: bt"),
        ([Returns(SUCCESS, "st", "bt")], "build successful bt"),
        ([Returns(WARNINGS, "st", warnOnWarnings=True)], "warnings: generic (st)"),
        ([Returns(WARNINGS, "st", "bt", flunkOnWarnings=True)], "failed: bt"),
        ([Returns(FAILURE, "st", "bt", flunkOnFailure=False)], "build successful bt"),
        ([Returns(FAILURE, "st", flunkOnFailure=False)], "build successful"),
        (
            [Returns(FAILURE, "st", flunkOnFailure=False, haltOnFailure=True)],
            "build successful st",
        ),
        (
            [Returns(FAILURE, "st", flunkOnFailure=False, warnOnFailure=True)],
            "warnings: generic (st)",
        ),
        ([Returns(WARNINGS, "st", flunkOnWarnings=True)], "failed: generic (st)"),
        ([Returns(WARNINGS, "st", warnOnFailure=True)], "build successful"),
        ([Returns(FAILURE)], "failed: generic"),
        ([Returns(EXCEPTION, "st")], "exception: generic (st)"),
        ([Returns(CANCELLED, "st")], "cancelled: generic (st)"),
        ([Returns(FAILURE, "a", "b", updateBuildSummaryPolicy=False)], "failed: b"),
        ([Returns(SUCCESS, "a", updateBuildSummaryPolicy=True)], "build successful a"),
        ([], "build successful"),
    ],
)
async def test_the_build_names_the_steps_that_its_result_comes_from(steps, state):
    assert (await StepWorkshop(*steps).run()).state == state


async def test_properties_set_on_the_build_s_properties_are_recorded():
    class Sets(BuildStep):
        def run(self):
            self.setProperty("a", 1)
            self.build.getProperties().setProperty("b", 2, "by hand")
            self.build.setProperty("c", 3, "by the build")
            return SUCCESS

    workshop = StepWorkshop(Sets())

    await workshop.run()

    recorded = workshop.builds.properties[1]
    assert {name: recorded[name] for name in "abc"} == {
        "a": (1, "Unknown"),
        "b": (2, "by hand"),
        "c": (3, "by the build"),
    }


async def test_a_command_is_described_by_itself_until_it_has_a_description_of_what_was_done():
    workshop = StepWorkshop(
        ShellCommand(command=["make", "all"], description="making"),
        ShellCommand(command=["make", "all"], descriptionSuffix="now"),
        ShellCommand(command=["make", "all"], descriptionDone="made", descriptionSuffix="now"),
    )

    await workshop.run()

    assert [state for _, _, state in workshop.outcome()] == ["'make all'", "'make all'", "made now"]


async def test_equal_names_are_made_unique():
    workshop = StepWorkshop(*[ShellCommand(command="true") for _ in range(3)])

    await workshop.run()

    assert [name for name, _, _ in workshop.outcome()] == ["shell", "shell_1", "shell_2"]


async def test_properties_are_recorded_with_their_sources():
    sources = sources_of(
        SourceStamp(branch="main", revision="abc"), properties={"owner": ("me", "Force Build Form")}
    )
    workshop = StepWorkshop(
        sources=sources,
        properties={"p": (Interpolate("%(prop:buildername)s!"), "Builder")},
        default_properties={"owner": ("nobody", "Builder"), "d": (1, "Builder")},
    )

    await workshop.run()

    assert workshop.builds.properties[1] == {
        "basedir": ("/workers/w1", "Worker"),
        "branch": ("main", "Build"),
        "builddir": ("/workers/w1/b1", "Worker"),
        "builderid": (1, "Builder"),
        "buildername": ("b1", "Builder"),
        "buildnumber": (1, "Build"),
        "codebase": ("", "Build"),
        "d": (1, "Builder"),
        "owner": ("me", "Force Build Form"),
        "owners": (["me"], "Build"),
        "p": ("b1!", "Builder"),
        "project": ("", "Build"),
        "repository": ("", "Build"),
        "revision": ("abc", "Build"),
        "workername": ("w1", "Worker"),
    }


async def test_what_a_step_sets_the_next_one_renders():
    class Sets(BuildStep):
        def run(self):
            self.setProperty("who", ["you"], "here")
            return SUCCESS

    workshop = StepWorkshop(Sets(), ShellCommand(command=["greet", Property("who")]))

    await workshop.run()

    assert workshop.session.commands[-1].arguments["command"] == ["greet", "you"]
    assert workshop.builds.properties[1]["who"] == (["you"], "here")


async def test_a_step_that_is_not_wanted_is_skipped():
    workshop = StepWorkshop(
        ShellCommand(command="true", name="a", doStepIf=False),
        ShellCommand(command="true", name="b", doStepIf=lambda step: False),
        ShellCommand(command="true", name="c", doStepIf=Property("nothing")),
    )

    build = await workshop.run()

    assert build.state == "build successful"
    assert workshop.outcome() == [(name, 3, "'true' (skipped)") for name in "abc"]
    assert workshop.session.commands == []


async def test_a_step_may_be_hidden_by_its_result():
    workshop = StepWorkshop(
        ShellCommand(command="true", hideStepIf=lambda result, step: result == SUCCESS),
        ShellCommand(command="true", hideStepIf=lambda result, step: result == FAILURE),
    )

    await workshop.run()

    assert [step.hidden for step in workshop.steps.of(1)] == [False, True, False]


@pytest.mark.parametrize("where", ["doStepIf", "hideStepIf"])
async def test_a_function_that_raises_ends_the_step_as_an_exception(where):
    workshop = StepWorkshop(ShellCommand(command="true", **{where: lambda *_: 1 / 0}))

    build = await workshop.run()

    assert build.state == 'ZeroDivisionError in step "shell": division by zero'
    assert "ZeroDivisionError" in workshop.logs.text("err.text")
    assert "ZeroDivisionError" in workshop.logs.text("err.html")


async def test_a_renderable_that_raises_ends_the_step_as_an_exception():
    workshop = StepWorkshop(ShellCommand(command=renderer(lambda properties: 1 / 0)))

    assert (await workshop.run()).result is Result.EXCEPTION


@pytest.mark.parametrize("value", [None, "x", 99, -1, True, object()])
async def test_a_step_that_returns_nonsense_is_told_so(value):
    workshop = StepWorkshop(Returns(value), Returns(name="next"))

    build = await workshop.run()

    assert build.result is Result.EXCEPTION
    assert "must return a result" in workshop.logs.text("err.text")
    assert len(workshop.outcome()) == 1


async def test_a_step_that_raises_leaves_a_traceback_of_the_users_code():
    class Raises(BuildStep):
        def run(self):
            raise RuntimeError("oops")

    workshop = StepWorkshop(Raises())

    assert (await workshop.run()).state == 'RuntimeError in step "generic": oops'
    text = workshop.logs.text("err.text")
    assert text.endswith("RuntimeError: oops\n")
    assert "bridge.py" not in text


@pytest.mark.parametrize("method", ["getResultSummary", "getCurrentSummary"])
async def test_a_summary_that_raises_does_no_harm(method):
    class Raises(Returns):
        pass

    setattr(Raises, method, lambda self: 1 / 0)
    workshop = StepWorkshop(Raises(), ShellCommand(command="true", alwaysRun=True))

    build = await workshop.run()

    assert build.complete
    assert len(workshop.outcome()) == 2


async def test_a_step_may_say_by_an_exception_how_it_ended():
    class Fails(BuildStep):
        def run(self):
            raise BuildStepFailed

    class Cancels(BuildStep):
        async def run(self):
            raise BuildStepCancelled

    workshop = StepWorkshop(Fails(), Cancels())

    await workshop.run()

    assert [result for _, result, _ in workshop.outcome()] == [2, 6]


async def test_a_plan_that_raises_ends_the_build_as_an_exception():
    class Broken(BuildFactory):
        def newBuild(self, requests, *_):
            raise RuntimeError("no build today")

    workshop = StepWorkshop(factory=Broken())

    assert (await workshop.run()).state == "the build cannot start: RuntimeError: no build today"
    assert "no build today" in workshop.logs.text("err.text")


async def test_steps_can_be_added_while_the_build_runs():
    class Adds(BuildStep):
        def run(self):
            self.build.addStepsAfterLastStep([Returns(name="last")])
            self.build.addStepsAfterCurrentStep([Returns(name="n1"), Returns(name="n2")])
            return SUCCESS

    workshop = StepWorkshop(Adds(name="adds"), Returns(name="mid"))

    await workshop.run()

    names = [name for name, _, _ in workshop.outcome()]
    assert names == ["adds", "n1", "n2", "mid", "last"]


async def test_each_build_has_steps_of_its_own():
    class Counts(BuildStep):
        times = 0

        def __init__(self, words=(), **kwargs):
            super().__init__(**kwargs)
            self.words = list(words)

        def run(self):
            self.times += 1
            self.words.append("more")
            return SUCCESS if (self.times, len(self.words)) == (1, 2) else FAILURE

    workshop = StepWorkshop(Counts(words=["one"]))

    results = [(await workshop.run()).result for _ in range(2)]

    assert results == [Result.SUCCESS, Result.SUCCESS]


async def test_stopping_cancels_the_step_and_runs_what_always_runs():
    session = ScriptedSession(lambda command: Script(hangs=command.arguments["command"] == "sleep"))
    workshop = StepWorkshop(
        ShellCommand(command="sleep"),
        ShellCommand(command="true", name="always", alwaysRun=True),
        ShellCommand(command="true"),
        session=session,
    )
    running = asyncio.ensure_future(workshop.run())
    await session.running.wait()

    assert workshop.service.stop(1, "because")
    build = await running

    assert build.state == 'cancelled during "shell": because'
    assert workshop.outcome() == [("shell", 6, "'sleep' (cancelled)"), ("always", 0, "'true'")]
    assert workshop.logs.text("cancelled") == "because\n"
    assert not workshop.service.stop(1, "again")


@pytest.mark.looptime
async def test_a_step_that_ignores_its_interruption_is_cancelled(looptime):
    class Deaf(BuildStep):
        async def run(self):
            await asyncio.sleep(100_000)
            return SUCCESS

        def interrupt(self, reason):
            self.stopped = True

    workshop = StepWorkshop(Deaf(), grace=20)
    asyncio.get_running_loop().call_later(5, workshop.service.stop, 1, "enough")

    build = await workshop.run()

    assert build.result is Result.CANCELLED
    assert 25 <= looptime < 40


@pytest.mark.looptime
async def test_a_step_that_even_ignores_that_is_abandoned(looptime):
    mortal = []

    class Immortal(BuildStep):
        async def run(self):
            while True:
                try:
                    await asyncio.sleep(100_000)
                except asyncio.CancelledError:
                    if mortal:
                        raise

    workshop = StepWorkshop(Immortal(), Returns(name="always", alwaysRun=True), grace=20)
    asyncio.get_running_loop().call_later(5, workshop.service.stop, 1, "enough")

    build = await workshop.run()
    mortal.append(True)

    assert build.result is Result.CANCELLED
    assert "abandoned" in workshop.logs.text("abandoned")
    assert [result for _, result, _ in workshop.outcome()] == [6, 0]
    assert 45 <= looptime < 60


async def test_a_lost_worker_means_a_retry():
    session = ScriptedSession(lambda _: Script(error=WorkerLost("gone")))
    workshop = StepWorkshop(
        ShellCommand(command="make"), Returns(alwaysRun=True, name="no more"), session=session
    )

    build = await workshop.run()

    assert build.result is Result.RETRY
    [retry] = workshop.builds.retries
    assert build.state.startswith('retry (worker lost: w1) during "shell"')
    assert build.state.endswith(f"; {retry.words}")
    assert workshop.builds.unclaimed == [1]
    assert [name for name, _, _ in workshop.outcome()] == ["shell"]


async def test_a_step_cannot_hide_that_the_worker_was_lost():
    class Careless(ShellCommand):
        async def run(self):
            try:
                return await super().run()
            except Exception:  # noqa: BLE001 - users do that
                return FAILURE

    session = ScriptedSession(lambda _: Script(error=WorkerLost("gone")))

    assert (await StepWorkshop(Careless(command="x"), session=session).run()).result is Result.RETRY


async def test_a_worker_that_cannot_prepare_means_a_retry():
    session = ScriptedSession()
    session.prepare_error = WorkerLost("connection reset")
    workshop = StepWorkshop(Returns(), session=session)

    build = await workshop.run()

    assert build.state.startswith("retry (worker lost: w1)")
    (preparation,) = workshop.steps.of(1)
    assert preparation.state == "worker w1 not ready: connection reset"
    assert workshop.builds.unclaimed == [1]
    assert workshop.builds.retries[0].reason == "worker lost: w1"
    assert workshop.health.notes == []


async def test_a_worker_that_cannot_make_the_directory_is_told_of_and_the_request_is_not_blamed():
    session = ScriptedSession()
    session.prepare_error = CommandRefused("[Errno 28] No space left on device: '/w/b1'")
    workshop = StepWorkshop(Returns(), session=session)

    build = await workshop.run()

    assert build.state.startswith("retry (worker not ready)")
    assert workshop.builds.retries == [None]
    assert workshop.health.notes == [("w1", "b1", "[Errno 28] No space left on device: '/w/b1'")]


async def test_a_request_is_retried_so_often_and_later_each_time():
    workshop = StepWorkshop(Returns(RETRY, "st", name="again"))
    retry, pauses = None, []
    assignment = workshop.assignment()

    for _ in range(MOST_RETRIES):
        (pending,) = assignment.requests
        pending = msgspec.structs.replace(
            pending, request=msgspec.structs.replace(pending.request, retry=retry)
        )
        before = SystemClock().timestamp()
        await workshop.service.start(replace(assignment, requests=(pending,)))
        retry = workshop.builds.retries[-1]
        [build] = (one for one in workshop.builds.builds.values() if retry.words in one.state)
        assert build.state == f"retry: again (st); {retry.words}"
        pauses.append(round(retry.at - before))
        assert retry.reason == 'step "again" returned RETRY'
    (pending,) = assignment.requests
    last = msgspec.structs.replace(pending.request, retry=retry)
    pending = msgspec.structs.replace(pending, request=last)
    await workshop.service.start(replace(assignment, requests=(pending,)))

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert workshop.builds.completed == {1: Result.EXCEPTION}
    build = workshop.builds.builds[BuildId(MOST_RETRIES + 1)]
    assert build.state == "exception: again (st) (giving up after 10 retries)"


async def test_a_stopping_master_is_no_reason_to_count_a_retry():
    workshop = StepWorkshop(Waits(), grace=0.01)
    running = asyncio.ensure_future(workshop.run())
    while not workshop.outcome():
        await asyncio.sleep(0)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert workshop.builds.retries == [None]


async def test_a_build_that_is_to_be_retried_can_still_be_cancelled():
    workshop = StepWorkshop(Waits(), grace=0.01)
    running = asyncio.ensure_future(workshop.run())
    while not workshop.outcome():
        await asyncio.sleep(0)

    workshop.service.worker_lost("w1")
    workshop.service.stop(BuildId(1), "not wanted")

    assert (await running).result is Result.CANCELLED
    assert workshop.builds.unclaimed == []


async def test_an_order_waits_for_a_build_that_is_just_ending_and_is_to_be_given_again():
    workshop = StepWorkshop(Returns(RETRY))
    record, may_record = workshop.builds.finish_build, asyncio.Event()

    async def slowly(*arguments):
        await may_record.wait()
        return await record(*arguments)

    workshop.builds.finish_build = slowly
    running = asyncio.ensure_future(workshop.run())
    while not workshop.outcome() or workshop.outcome()[-1][1] is None:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)

    order = asyncio.ensure_future(workshop.service.stop_request(1, "not wanted"))
    await asyncio.sleep(0)
    was_done = order.done()
    stopped = workshop.service.stop(BuildId(1), "not wanted")
    may_record.set()

    assert (was_done, stopped, await order) == (False, False, False)
    assert (await running).result is Result.RETRY


class Waits(BuildStep):
    async def run(self):
        await asyncio.Event().wait()


async def test_a_worker_that_leaves_between_commands_means_a_retry():
    workshop = StepWorkshop(Waits(), grace=0.01)
    running = asyncio.ensure_future(workshop.run())
    while not workshop.outcome():
        await asyncio.sleep(0)

    workshop.service.worker_lost("w1")

    assert (await running).result is Result.RETRY


async def test_a_cancelled_build_does_not_run_again_because_its_worker_leaves_then():
    class Waits(BuildStep):
        async def run(self):
            await asyncio.Event().wait()

    workshop = StepWorkshop(Waits(), Returns(alwaysRun=True), grace=0.01)
    running = asyncio.ensure_future(workshop.run())
    while not workshop.outcome():
        await asyncio.sleep(0)

    (build,) = workshop.service.running
    workshop.service.stop(build.id, "not wanted", Result.CANCELLED)
    workshop.service.worker_lost("w1")

    assert (await running).result is Result.CANCELLED
    assert workshop.builds.unclaimed == []


async def test_a_stopping_master_gives_the_requests_back():
    workshop = StepWorkshop(
        ShellCommand(command="make"),
        Returns(alwaysRun=True),
        session=ScriptedSession(lambda _: Script(hangs=True)),
    )
    running = asyncio.ensure_future(workshop.run())
    await workshop.session.running.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    (build,) = workshop.builds.builds.values()
    assert (build.result, workshop.builds.unclaimed) == (Result.RETRY, [1])
    assert all(step.complete for step in workshop.steps.of(1))


async def test_step_locks_are_acquired_and_released_and_timed():
    lock = MasterLock("tree")
    workshop = StepWorkshop(ShellCommand(command="true", locks=[lock.access("exclusive")]))

    await workshop.run()

    assert workshop.locks.asked == [("tree",)]
    assert workshop.locks.held == 0
    assert workshop.steps.of(1)[1].locks_acquired_at is not None


class NeverGranted:
    def __init__(self):
        self.asked = asyncio.Event()

    async def acquire(self, accesses, worker_name, holder, waits):
        self.asked.set()
        await asyncio.Event().wait()


async def test_a_build_can_be_stopped_while_a_step_waits_for_a_lock():
    locks = NeverGranted()
    step = ShellCommand(command="true", locks=[MasterLock("tree").access("exclusive")])
    workshop = StepWorkshop(step, locks=locks)
    running = asyncio.ensure_future(workshop.run())
    await locks.asked.wait()

    workshop.service.stop(1, "too long")

    assert (await running).result is Result.CANCELLED
    assert workshop.session.commands == []


async def test_the_build_class_may_be_the_users():
    seen = []

    class MyBuild(Build):
        pass

    class Looks(BuildStep):
        def run(self):
            build = self.build
            stamp = build.getSourceStamp()
            seen.append((type(build), build.number, build.reason, stamp.branch, build.workdir))
            seen.append((build.builder.name, self.worker.name, self.getWorkerName(), self.stepid))
            seen.append((self.getProperty("buildername"), self.workdir, list(build.allChanges())))
            return SUCCESS

    class Factory(BuildFactory):
        buildClass = MyBuild
        workdir = "src"

    workshop = StepWorkshop(factory=Factory([Looks()]), sources=sources_of(SourceStamp(branch="b")))

    assert (await workshop.run()).result is Result.SUCCESS
    assert seen == [
        (MyBuild, 1, "because", "b", "src"),
        ("b1", "w1", "w1", 2),
        ("b1", "src", []),
    ]


async def test_a_build_can_be_stopped_while_its_worker_prepares():
    class Slow(ScriptedSession):
        async def prepare(self, builddirs):
            self.running.set()
            await asyncio.Event().wait()

    workshop = StepWorkshop(Returns(), session=Slow())
    running = asyncio.ensure_future(workshop.run())
    await workshop.session.running.wait()

    workshop.service.stop(1, "never mind")
    build = await running

    assert build.state == "cancelled: never mind"
    assert all(step.complete for step in workshop.steps.of(1))


async def test_a_request_that_is_cancelled_while_its_build_is_recorded_is_not_built():
    workshop = StepWorkshop(Returns())
    record, may_record = workshop.builds.start_build, asyncio.Event()

    async def slowly(*arguments):
        await may_record.wait()
        return await record(*arguments)

    workshop.builds.start_build = slowly
    running = asyncio.ensure_future(workshop.run())
    await asyncio.sleep(0)

    await workshop.service.stop_request(1, "never mind")
    may_record.set()
    build = await running

    assert build.state == "cancelled: never mind"
    assert workshop.outcome() == []


async def test_a_request_that_was_claimed_elsewhere_is_not_built():
    workshop = StepWorkshop(Returns())
    assignment = workshop.assignment()
    workshop.builds.claimed.add(assignment.request_id)

    with pytest.raises(AlreadyClaimed):
        await workshop.service.start(assignment)

    assert workshop.builds.builds == {}
    assert workshop.service.running == ()


async def test_the_locks_of_a_build_bear_its_number():
    workshop = StepWorkshop(Returns())
    grant = FreeLocks()

    await workshop.service.start(replace(workshop.assignment(), grant=grant))

    holder = LockHolder(builder_name="b1", build_id=1, build_number=1, request_id=1)
    assert grant.holders == [holder]


async def test_a_master_that_stops_while_a_build_is_recorded_gives_its_request_back():
    workshop = StepWorkshop(Returns())
    record, may_record = workshop.builds.start_build, asyncio.Event()

    async def slowly(*arguments):
        await may_record.wait()
        return await record(*arguments)

    workshop.builds.start_build = slowly
    running = asyncio.ensure_future(workshop.run())
    await asyncio.sleep(0)

    running.cancel()
    await asyncio.sleep(0)
    may_record.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    (build,) = workshop.builds.builds.values()
    assert (build.result, workshop.builds.unclaimed) == (Result.RETRY, [1])


async def test_a_build_can_be_stopped_while_a_function_is_asked_whether_a_step_is_wanted():
    asked = asyncio.Event()

    async def never_says(step):
        asked.set()
        await asyncio.Event().wait()

    workshop = StepWorkshop(Returns(doStepIf=never_says))
    running = asyncio.ensure_future(workshop.run())
    await asked.wait()

    workshop.service.stop(1, "never mind")
    build = await asyncio.wait_for(running, PATIENCE)

    assert build.state == 'cancelled during "generic": never mind'
    assert all(step.complete for step in workshop.steps.of(1))


async def test_locks_are_given_back_when_it_cannot_be_recorded_that_they_were_got():
    lock = MasterLock("printer")
    table = LockTable()
    workshop = StepWorkshop(Returns(locks=[lock.access("exclusive")]), locks=table)

    def fail(*_):
        raise OSError("database is locked")

    workshop.steps.step_got_locks = fail

    assert (await workshop.run()).result is Result.EXCEPTION
    wanted = lock_accesses([lock.access("exclusive")])
    assert table.try_acquire(wanted, "w1", LockHolder(builder_name="other")) is not None


async def test_a_full_disk_ends_the_step_and_not_the_master():
    workshop = StepWorkshop(ShellCommand(command="make"))
    workshop.logs.failure = OSError(28, "No space left on device")

    build = await workshop.run()

    assert build.result is Result.EXCEPTION
    assert all(step.complete for step in workshop.steps.of(1))


async def test_a_store_that_fails_ends_the_build():
    workshop = StepWorkshop(Returns(), Returns())

    def fail(*_):
        raise OSError("database is locked")

    workshop.steps.finish_step = fail

    assert (await workshop.run()).result is Result.EXCEPTION


async def test_links_that_are_added_at_once_are_all_kept():
    class Links(BuildStep):
        async def run(self):
            await asyncio.gather(*(self.addURL(name, f"http://{name}") for name in "abc"))
            return SUCCESS

    workshop = StepWorkshop(Links())

    await workshop.run()

    assert [url.name for url in workshop.steps.of(1)[1].urls] == ["a", "b", "c"]


async def test_the_summary_can_be_shown_while_the_step_runs():
    shown = asyncio.Event()

    class Shows(BuildStep):
        async def run(self):
            self.description = ["linking", "objects"]
            self.updateSummary()
            while ("generic", "linking objects") not in workshop.steps.states:
                await asyncio.sleep(0)
            shown.set()
            return SUCCESS

    workshop = StepWorkshop(Shows())

    await workshop.run()

    assert shown.is_set()
    assert workshop.outcome() == [("generic", 0, "linking objects")]


async def test_a_step_can_stop_its_build():
    class Stops(BuildStep):
        async def run(self):
            await self.build.stopBuild("not the tip")
            return SUCCESS

    workshop = StepWorkshop(Stops(), Returns(name="always", alwaysRun=True), Returns())

    build = await workshop.run()

    assert (build.result, build.state) == (
        Result.CANCELLED,
        'cancelled during "generic": not the tip',
    )
    assert [name for name, _, _ in workshop.outcome()] == ["generic", "always"]
