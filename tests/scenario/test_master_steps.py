"""Steps of all sorts, good and bad, as a user sees them over REST."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from installed_master import (
    CANCELLED,
    EXCEPTION,
    FAILURE,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    InstalledMaster,
    is_alive,
)
from waiting import eventually

_CONFIGURATION = """
    import asyncio, time
    from buildbot.process.buildstep import BuildStep
    from buildbot.process.results import FAILURE, SUCCESS, WARNINGS, SKIPPED
    from twisted.internet import defer, reactor, task

    class Raises(BuildStep):
        name = 'bad'
        async def run(self):
            raise RuntimeError('on purpose: \\N{SNOWMAN}')

    class Odd(BuildStep):
        name = 'bad'
        def __init__(self, value, **more):
            super().__init__(**more)
            self.value = value
        def run(self):
            return self.value

    class Deferred_(BuildStep):
        name = 'good'
        @defer.inlineCallbacks
        def run(self):
            log = yield self.addLog('notes')
            yield log.addStdout('some text\\n')
            yield task.deferLater(reactor, 0.01, lambda: None)
            yield log.finish()
            return SUCCESS

    class Never(BuildStep):
        name = 'never'
        def run(self):
            (HERE / 'never.running').write_text('x')
            return defer.Deferred()

    class Deaf(BuildStep):
        name = 'deaf'
        def interrupt(self, reason):
            raise ValueError('I do not want to')
        async def run(self):
            (HERE / 'deaf.running').write_text('x')
            await asyncio.Event().wait()

    class FailsToRender(steps.ShellCommand):
        pass

    @util.renderer
    def broken(props):
        return {}['no such key']

    def raising(*args):
        raise KeyError('asked too much')

    PUT = 'echo $$ > %s/running; sleep 1000' % HERE

    add('raises', Raises(), sh('echo never', name='after'),
        sh('echo cleaned', name='always', alwaysRun=True))
    for value in (None, 'SUCCESS', 99, True, [], -1):
        add(f'returns {value!r}', Odd(value))
    add('deferred', Deferred_())
    add('never', Never())
    add('deaf', Deaf())
    add('missing program', steps.ShellCommand(command=['/no/such/program', 'x'], name='one'))
    add('missing in shell', steps.ShellCommand(command='no-such-program-at-all', name='one'))
    add('not executable', steps.ShellCommand(command=['/etc/passwd'], name='one'))
    add('missing workdir', steps.ShellCommand(command=['pwd'], name='one', workdir='/proc/none/x'))
    add('broken renderer', steps.ShellCommand(command=['echo', broken], name='one'))
    add('raising doStepIf', sh('true', name='one', doStepIf=raising))
    add('raising hideStepIf', sh('true', name='one', hideStepIf=raising))
    add('raising factory step', steps.ShellCommand(command=['echo'], name='one', locks=broken))
    add('exit 3', sh('exit 3', name='one'))
    add('killed by signal', sh('kill -9 $$', name='one'))
    add('timeout', sh('echo begun; sleep 1000', name='one', timeout=0.3))
    add('maxTime', sh('while :; do echo x; sleep 0.05; done', name='one', maxTime=0.4))
    add('max_lines', sh('seq 1000; sleep 1000', name='one', max_lines=10))
    add('sigterm', sh('trap "echo got it; exit 0" TERM; echo begun; '
                      'while :; do sleep 0.05; done', name='one', maxTime=0.4, sigtermTime=5))
    add('decodeRC', sh('exit 7', name='one', decodeRC={7: WARNINGS, 0: SUCCESS}))

    add('halts', sh('false', name='one', haltOnFailure=True), sh('echo', name='two'),
        sh('echo', name='three', alwaysRun=True))
    add('goes on', sh('false', name='one', haltOnFailure=False, flunkOnFailure=True),
        sh('echo', name='two'))
    add('not flunked', sh('false', name='one', haltOnFailure=False, flunkOnFailure=False))
    add('warned', sh('false', name='one', haltOnFailure=False, flunkOnFailure=False,
                     warnOnFailure=True), sh('true', name='two'))
    add('warnings', Odd(WARNINGS, name='one'))
    add('warnings count', Odd(WARNINGS, name='one', warnOnWarnings=True))
    add('warnings flunk', Odd(WARNINGS, name='one', flunkOnWarnings=True))
    add('skipped', sh('true', name='one', doStepIf=False),
        sh('true', name='two', doStepIf=lambda step: step.getProperty('buildername') == 'x'),
        sh('true', name='three', doStepIf=lambda step: True))
    add('hidden', sh('true', name='one', hideStepIf=True),
        sh('true', name='two', hideStepIf=lambda results, step: results == SKIPPED),
        sh('true', name='three', doStepIf=False, hideStepIf=lambda results, s: results == SKIPPED))
    add('same names', sh('true', name='one'), sh('true', name='one'), sh('true', name='one'))

    add('env', sh('echo "$A|$B|$NEW|$GONE|$C"', name='one',
                  env={'A': '${HOME}/x', 'B': ['/one', '/two'], 'NEW': 'plain', 'GONE': None,
                       'C': util.Interpolate('%(prop:buildername)s')}),
        env={'GONE': 'no', 'D': 'd'})
    add('properties',
        steps.SetProperty(property='a', value=util.Interpolate('%(prop:p)s-%(prop:none:-x)s')),
        steps.SetPropertyFromCommand(command=['echo', 'from the command'], property='b'),
        steps.SetPropertyFromCommand(command=['sh', '-c', 'echo x=1; echo y=2'],
            extract_fn=lambda rc, out, err: dict(one.split('=') for one in out.split())),
        steps.ShellCommand(name='one', command=['echo', util.Interpolate(
            '%(prop:a)s,%(prop:b)s,%(prop:x)s%(prop:y)s,%(kw:k)s,%(src::branch)s', k='word'),
            util.Property('missing', default='dflt'), util.WithProperties('%(a)s')]),
        properties={'p': 'P', 'list': [1, 2]})
    add('sequence', steps.ShellSequence(name='one', commands=[
        util.ShellArg(command=['echo', 'first'], logname='first'),
        util.ShellArg(command=['false'], logname='second', haltOnFailure=True),
        util.ShellArg(command=['echo', 'third'], logname='third')]))
    (HERE / 'secrets').mkdir(mode=0o700, exist_ok=True)
    (HERE / 'secrets' / 'password').write_text('hunter2hunter2')
    (HERE / 'secrets' / 'password').chmod(0o600)
    c['secretsProviders'] = [secrets.SecretInAFile(dirname=str(HERE / 'secrets'))]
    add('secret', steps.ShellCommand(name='one', env={'P': util.Secret('password')},
        command=['sh', '-c', util.Interpolate(
            'echo "%(secret:password)s"; echo "$P" >&2; [ "$P" = hunter2hunter2 ]')]))
    add('no secret', steps.ShellCommand(name='one', command=['echo', util.Secret('nothing')]))
    add('workdir', sh('pwd; touch here', name='one', workdir='deep/er'))
    add('orphans', sh(f'setsid sleep 1000 & echo $! > {HERE}/orphan; echo done', name='one'))
    """


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """One master for the tests of this module."""
    master = InstalledMaster(tmp_path_factory.mktemp("steps") / "master")
    master.write(textwrap.dedent(_CONFIGURATION))
    master.start()
    yield master
    master.stop()
    left = master.worker_processes()
    master.end()
    assert not left


def _one(master: InstalledMaster, builder: str) -> tuple[dict[str, Any], dict[str, Any]]:
    build = master.build(builder)
    return build, master.steps(build)[0]


def test_a_step_that_raises_is_an_exception_with_its_traceback(shared: InstalledMaster):
    build = shared.build("raises")

    results = {step["name"]: step["results"] for step in shared.steps(build)}
    assert build["results"] == EXCEPTION
    assert results == {"bad": EXCEPTION, "always": SUCCESS}
    text = shared.raw(build, "bad", "err_text").decode()
    assert "RuntimeError: on purpose: \N{SNOWMAN}" in text
    assert "master.cfg" in text
    assert shared.logs(build, "bad")["err_html"]["type"] == "h"


@pytest.mark.parametrize("value", ["None", "'SUCCESS'", "99", "True", "[]", "-1"])
def test_a_step_that_returns_nonsense_is_an_exception(shared: InstalledMaster, value: str):
    build, step = _one(shared, f"returns {value}")

    assert (build["results"], step["results"]) == (EXCEPTION, EXCEPTION)
    text = shared.raw(build, "bad", "err_text").decode()
    assert f"run() returned {value}; it must return a result" in text


def test_a_step_may_be_written_with_deferreds(shared: InstalledMaster):
    build = shared.build("deferred")

    assert build["results"] == SUCCESS
    assert shared.lines(build, "good", "notes") == ["osome text"]


@pytest.mark.slow
def test_a_step_that_never_returns_can_be_stopped(shared: InstalledMaster):
    request_id = shared.force("never")
    shared.wait_for_file("never.running")
    build = shared.running_build(request_id)

    shared.order(f"builds/{build['buildid']}", "stop", reason="enough", results=CANCELLED)

    assert shared.completed(request_id)["results"] == CANCELLED
    (ended,) = shared.builds_of(request_id)
    assert "enough" in ended["state_string"]


@pytest.mark.slow
def test_a_step_that_does_not_want_to_end_is_ended(shared: InstalledMaster):
    request_id = shared.force("deaf")
    shared.wait_for_file("deaf.running")
    build = shared.running_build(request_id)

    shared.order(f"builds/{build['buildid']}", "stop", reason="enough")

    assert shared.completed(request_id, patience=60)["results"] in (CANCELLED, EXCEPTION)


@pytest.mark.parametrize(
    ("builder", "rc", "said"),
    [
        ("missing program", 127, "/no/such/program"),
        ("missing in shell", 127, "no-such-program-at-all"),
        ("not executable", 126, "/etc/passwd"),
        ("missing workdir", 127, "/proc/none"),
    ],
)
def test_a_command_that_cannot_be_run_fails_and_says_why(
    shared: InstalledMaster, builder: str, rc: int, said: str
):
    build, step = _one(shared, builder)

    assert build["results"] in (FAILURE, EXCEPTION)
    assert step["complete"]
    text = "\n".join(shared.raw(build, "one", slug).decode() for slug in shared.logs(build, "one"))
    assert said in text, text
    if step["results"] == FAILURE:
        assert f"program finished with exit code {rc}" in text, text


@pytest.mark.parametrize(
    ("builder", "error"),
    [
        ("broken renderer", "KeyError: 'no such key'"),
        ("raising doStepIf", "KeyError: 'asked too much'"),
        ("raising hideStepIf", "KeyError: 'asked too much'"),
        ("raising factory step", "KeyError: 'no such key'"),
    ],
)
def test_a_users_function_that_raises_ends_its_step_only(
    shared: InstalledMaster, builder: str, error: str
):
    build, step = _one(shared, builder)

    assert (build["results"], step["results"]) == (EXCEPTION, EXCEPTION)
    assert error in shared.raw(build, "one", "err_text").decode()


@pytest.mark.parametrize(
    ("builder", "result", "words", "in_log"),
    [
        ("exit 3", FAILURE, "(failure)", "hprogram finished with exit code 3"),
        ("killed by signal", FAILURE, "(failure)", "hprocess killed by signal 9"),
        ("timeout", FAILURE, "(timed out)", "without output"),
        ("maxTime", FAILURE, "(timed out)", "seconds elapsed"),
        ("max_lines", FAILURE, "(max lines)", "lines"),
        ("sigterm", FAILURE, "(timed out)", "ogot it"),
        ("decodeRC", WARNINGS, "(warnings)", "hprogram finished with exit code 7"),
    ],
)
def test_commands_end_as_they_should(
    shared: InstalledMaster, builder: str, result: int, words: str, in_log: str
):
    build, step = _one(shared, builder)

    assert step["results"] == result
    assert words in step["state_string"]
    lines = shared.lines(build, "one")
    assert any(in_log in line for line in lines), lines


@pytest.mark.parametrize(
    ("builder", "result", "steps"),
    [
        ("halts", FAILURE, {"one": FAILURE, "three": SUCCESS}),
        ("goes on", FAILURE, {"one": FAILURE, "two": SUCCESS}),
        ("not flunked", SUCCESS, {"one": FAILURE}),
        ("warned", WARNINGS, {"one": FAILURE, "two": SUCCESS}),
        ("warnings", SUCCESS, {"one": WARNINGS}),
        ("warnings count", WARNINGS, {"one": WARNINGS}),
        ("warnings flunk", FAILURE, {"one": WARNINGS}),
        ("skipped", SUCCESS, {"one": SKIPPED, "two": SKIPPED, "three": SUCCESS}),
        ("same names", SUCCESS, {"one": SUCCESS, "one_1": SUCCESS, "one_2": SUCCESS}),
    ],
)
def test_flags_decide_about_the_build(
    shared: InstalledMaster, builder: str, result: int, steps: dict[str, int]
):
    build = shared.build(builder)

    assert {step["name"]: step["results"] for step in shared.steps(build)} == steps
    assert build["results"] == result


def test_steps_can_be_hidden(shared: InstalledMaster):
    build = shared.build("hidden")

    assert {step["name"]: step["hidden"] for step in shared.steps(build)} == {
        "one": True,
        "two": False,
        "three": True,
    }


def test_the_environment_is_made_of_builder_step_and_worker(shared: InstalledMaster):
    build = shared.build("env")

    (line,) = shared.output(build, "one")
    assert line == f"{os.environ['HOME']}/x|/one:/two|plain||env"


def test_properties_are_set_and_rendered(shared: InstalledMaster):
    build = shared.build("properties", branch="topic")

    (line,) = shared.output(build, "one")
    assert line == "P-x,from the command,12,word,topic dflt P-x"
    properties = shared.properties(build)
    assert properties["b"] == ["from the command", "SetPropertyFromCommand Step"]
    assert properties["list"] == [[1, 2], "Builder"]
    assert properties["workername"] == ["local", "Worker"]
    assert properties["scheduler"] == ["force", "Scheduler"]


def test_a_sequence_halts_where_it_shall(shared: InstalledMaster):
    build, step = _one(shared, "sequence")

    assert step["results"] == FAILURE
    logs = shared.logs(build, "one")
    assert set(logs) >= {"first", "second"}
    assert "third" not in logs


def test_a_working_directory_is_below_the_builders(shared: InstalledMaster):
    build = shared.build("workdir")

    (line,) = shared.output(build, "one")
    assert line.endswith("/workers/local/workdir/deep/er")


def test_nothing_of_a_command_outlives_it(shared: InstalledMaster):
    build = shared.build("orphans")

    assert build["results"] == SUCCESS
    pid = int(shared.wait_for_file("orphan"))
    eventually("the orphan's end", lambda: not is_alive(pid), 5)


def test_secrets_are_not_shown(shared: InstalledMaster):
    build, step = _one(shared, "secret")

    assert step["results"] in (SUCCESS, FAILURE)
    everything = shared.raw(build, "one").decode() + step["state_string"] + build["state_string"]
    assert "hunter2" not in everything
    assert "<password>" in everything


def test_a_secret_that_is_not_there_is_an_exception(shared: InstalledMaster):
    build, step = _one(shared, "no secret")

    assert step["results"] == EXCEPTION
    assert "nothing" in shared.raw(build, "one", "err_text").decode()
