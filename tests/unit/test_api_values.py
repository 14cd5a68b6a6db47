"""Builders, workers, locks, projects, factories, results: what a configuration is made of."""

from __future__ import annotations

from typing import Any

import pytest

from buildbot import locks
from buildbot._border.errors import collecting
from buildbot.config import BuilderConfig
from buildbot.plugins import steps, util, worker
from buildbot.process import results
from buildbot.process.builder import enforceChosenWorker
from buildbot.process.properties import Properties
from buildbot.revlinks import RevlinkMatch, default_revlink_matcher
from chargehand.config.model import WorkerConfig
from chargehand.domain.lock import LockAccess, LockMode, LockScope, LockSpec


def _errors(make):
    with collecting() as found:
        make()
    return [error.message for error in found.errors]


FACTORY = util.BuildFactory()


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ({"name": None}, ["a builder needs a name: BuilderConfig(name='...')"]),
        ({"name": 3}, ["builder name must be a string, not 3"]),
        ({"name": "_x"}, ['builder name "_x" must not start with an underscore']),
        (
            {"factory": None},
            ['builder "x" has no factory: pass factory=util.BuildFactory([...])'],
        ),
        ({"factory": 5}, ['builder "x": factory must be a util.BuildFactory, not 5']),
        ({"workername": None}, ["builder \"x\" has no workers: pass workernames=['...']"]),
        ({"workername": 5}, ['builder "x": workername must be a string, not 5']),
        ({"workernames": 5}, ['builder "x": workernames must be a list of strings, not 5']),
        ({"tags": "t"}, ["builder \"x\": tags must be a list of strings, not 't'"]),
        ({"tags": [5]}, ['builder "x": tags must be a list of strings, not [5]']),
        ({"tags": ["a", "a"]}, ['builder "x": duplicate tags: "a"']),
        ({"env": 5}, ['builder "x": env must be a dictionary, not 5']),
        ({"nextWorker": 5}, ['builder "x": nextWorker must be a function, not 5']),
        ({"nextBuild": 5}, ['builder "x": nextBuild must be a function, not 5']),
        ({"canStartBuild": 5}, ['builder "x": canStartBuild must be a function, not 5']),
        (
            {"description": 5},
            ['builder "x": description must be a string, not 5'],
        ),
        (
            {"description_format": "x"},
            ["builder \"x\": description_format must be 'markdown' or None, not 'x'"],
        ),
        ({"project": 5}, ['builder "x": project must be a string, not 5']),
    ],
)
def test_a_builder_says_what_is_wrong_with_it(arguments, messages):
    given = {"name": "x", "workername": "a", "factory": FACTORY, **arguments}

    assert _errors(lambda: BuilderConfig(**given)) == messages


def test_a_builder_refuses_unknown_arguments():
    with pytest.raises(TypeError, match='BuilderConfig has no argument "foo"'):
        BuilderConfig(name="x", workername="a", factory=FACTORY, foo=1)


def test_a_builder_s_directories_come_from_its_name():
    builder = BuilderConfig(name="A b/c", workername="a", factory=FACTORY)
    other = BuilderConfig(name="x", workername="a", factory=FACTORY, builddir="q")

    assert (builder.builddir, builder.workerbuilddir) == ("A_b_c", "A_b_c")
    assert (other.builddir, other.workerbuilddir) == ("q", "q")


def test_a_builder_may_name_its_workers_in_several_ways():
    builder = BuilderConfig(name="x", workername="a", workernames=["b"], factory=FACTORY)

    assert builder.workernames == ["b", "a"]
    assert BuilderConfig(name="x", workernames="a", factory=FACTORY).workernames == ["a"]


def test_a_builder_can_be_had_as_a_dictionary():
    builder = BuilderConfig(
        name="x", workername="a", factory=FACTORY, tags=["t"], properties={"p": 1}
    )

    assert builder.getConfigDict() == {
        "name": "x",
        "workernames": ["a"],
        "factory": FACTORY,
        "builddir": "x",
        "workerbuilddir": "x",
        "tags": ["t"],
        "properties": {"p": 1},
    }


def test_a_factory_takes_steps_and_refuses_the_rest():
    factory = util.BuildFactory([steps.ShellCommand(command=["true"])])

    factory.addStep(steps.ShellCommand(command=["false"]))
    factory.addSteps([steps.ShellCommand(command=["true"])])

    assert len(factory.steps) == 3
    assert factory == util.BuildFactory(
        [steps.ShellCommand(command=[word]) for word in ("true", "false", "true")]
    )
    assert "needs a step instance" in _errors(lambda: factory.addStep(5))[0]
    assert (
        "ShellCommand needs the argument" in _errors(lambda: factory.addStep(steps.ShellCommand))[0]
    )


def test_a_subclass_of_a_factory_may_set_what_it_likes():
    class Mine(util.BuildFactory):
        workdir = "src"
        useProgress = False

        def __init__(self, words):
            super().__init__()
            for word in words:
                self.addStep(steps.ShellCommand(command=[word]))

    factory = Mine(["a", "b"])

    assert (factory.workdir, len(factory.steps)) == ("src", 2)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda s: util.GNUAutoconf(s), ["true", "configure", "compile", "test", "distcheck"]),
        (
            lambda s: util.GNUAutoconf(s, reconf=True, distcheck=None),
            ["true", "autoreconf", "configure", "compile", "test"],
        ),
        (lambda s: util.Distutils(s, test="t"), ["true", "compile", "test"]),
        (lambda s: util.CPAN(s), ["true", "configure", "compile", "test"]),
        (lambda s: util.Trial(s, tests="x"), ["true", "compile", "trial"]),
        (lambda s: util.BasicSVN("svn:r", configure="c"), ["svn", "configure", "compile", "test"]),
        (lambda s: util.QuickBuildFactory("r", "m"), ["cvs", "compile", "test"]),
        (lambda s: util.BasicBuildFactory("r", "m"), ["cvs", "compile", "test"]),
    ],
)
def test_ready_made_factories_have_their_steps(make, names):
    factory = make(steps.ShellCommand(name="true", command=["true"]))

    assert [recipe.buildStep().name for recipe in factory.steps] == names


def test_locks_become_the_engine_s_values():
    lock = util.WorkerLock("l", maxCount=2, maxCountForWorker={"w": 5})

    found = locks.lock_accesses([lock.access("counting", count=2), util.MasterLock("m")])

    assert found == (
        LockAccess(
            lock=LockSpec(
                name="l", scope=LockScope.WORKER, max_count=2, max_count_for_worker={"w": 5}
            ),
            mode=LockMode.COUNTING,
            count=2,
        ),
        LockAccess(lock=LockSpec(name="m", scope=LockScope.MASTER), mode=LockMode.COUNTING),
    )
    assert lock.access("exclusive")._as_access().mode is LockMode.EXCLUSIVE


def test_equal_locks_are_one_lock():
    assert util.MasterLock("x") == util.MasterLock("x")
    assert util.MasterLock("x").access("counting") == util.MasterLock("x").access("counting")
    assert util.MasterLock("x") != util.WorkerLock("x")
    assert len({util.MasterLock("x"), util.MasterLock("x")}) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: util.MasterLock(5), "a lock's name must be a non-empty string"),
        (lambda: util.MasterLock("x", maxCount=-1), "maxCount must be a whole number, 0 or more"),
        (lambda: util.MasterLock("x").access("shared"), "'counting' or 'exclusive', not 'shared'"),
        (
            lambda: util.MasterLock("x").access("counting", count=-1),
            "count must be a whole number, 0 or more, not -1",
        ),
        (
            lambda: util.MasterLock("x").access("exclusive", count=2),
            "exclusive access must have count 1, not 2",
        ),
        (lambda: util.MasterLock("x").access("counting", count=2), "count 2 can never be granted"),
        (
            lambda: util.WorkerLock("x", maxCountForWorker={"w": 3}).access("counting", count=4),
            "count 4 can never be granted; its maxCount is 3",
        ),
    ],
)
def test_a_lock_says_what_is_wrong_with_it(make, message):
    assert message in _errors(make)[0]


@pytest.mark.parametrize("given", [5, ["text"], "text"])
def test_what_is_no_lock_is_refused(given):
    with pytest.raises(TypeError, match="lock access"):
        locks.lock_accesses(given)


def test_a_local_worker_becomes_the_engine_s_value():
    made = worker.LocalWorker(
        "a",
        workdir="w",
        max_builds=2,
        properties={"p": 1},
        defaultProperties={"q": 2},
        locks=[util.MasterLock("m").access("counting")],
        notify_on_missing="x@y",
    )

    assert made._as_worker_config() == WorkerConfig(
        name="a",
        kind="local",
        max_builds=2,
        properties={"p": (1, "Worker"), "workername": ("a", "Worker")},
        default_properties={"q": (2, "Worker")},
        locks=locks.lock_accesses([util.MasterLock("m")]),
        notify_on_missing=("x@y",),
        settings={
            "keepalive_interval": 3600,
            "workdir": "w",
            "reconnect_timeout": 600.0,
            "environment": None,
            "inherit_environment": False,
        },
    )
    assert repr(made) == "<LocalWorker 'a'>"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: worker.Worker("a", "p", max_builds="x"),
            "max_builds must be a whole number, 0 or more",
        ),
        (lambda: worker.Worker("a", "p", notify_on_missing=["a", 5]), "arg 5 is not a string"),
        (lambda: worker.Worker("change", "p"), '"change" is reserved'),
        (lambda: worker.Worker("a", "p", locks=["x"])._as_worker_config(), "lock access"),
    ],
)
def test_a_worker_says_what_is_wrong_with_it(make, message):
    assert message in _errors(make)[0]


def test_a_worker_refuses_unknown_arguments():
    with pytest.raises(TypeError, match="foo"):
        worker.Worker("a", "p", foo=1)


def test_a_subclass_of_a_worker_may_have_its_own_arguments():
    class Mine(worker.Worker):
        def __init__(self, name, cores, **kwargs):
            super().__init__(name, f"pw-{name}", properties={"cores": cores}, **kwargs)

    class Checked(worker.LocalWorker):
        def checkConfig(self, name, cores, **kwargs):
            super().checkConfig(name, **kwargs)
            self.cores = cores

    assert Mine("a", 4, max_builds=2).properties.getProperty("cores") == 4
    assert Checked("a", cores=3).cores == 3


def test_a_project_checks_its_arguments():
    assert util.Project("a").slug == "a"
    assert util.Project("a", slug="b", description="d")._as_project_config().slug == "b"
    assert _errors(lambda: util.Project("a", description=5)) == [
        "Project: description must be a string or None, not 5"
    ]
    assert _errors(lambda: util.Project("a", description_format="x")) == [
        "Project: description_format must be 'markdown' or None"
    ]


@pytest.mark.parametrize(
    ("status", "count", "word"),
    [
        (0, 1, "success"),
        (0, 2, "successes"),
        (1, 2, "warnings"),
        (2, 2, "failures"),
        (5, 3, "retries"),
        (None, 1, "not finished"),
        (99, 1, "Invalid status"),
        (-1, 1, "Invalid status"),
    ],
)
def test_results_have_words(status, count, word):
    assert results.statusToString(status, count) == word


def test_the_worse_of_two_results_is_buildbot_s():
    order = [
        results.SKIPPED,
        results.SUCCESS,
        results.WARNINGS,
        results.FAILURE,
        results.EXCEPTION,
        results.RETRY,
        results.CANCELLED,
    ]

    for index, one in enumerate(order):
        for other in order[index:]:
            assert results.worst_status(one, other) == other
            assert results.worst_status(other, one) == other


@pytest.mark.parametrize(
    ("flags", "result", "expected"),
    [
        ({}, results.SUCCESS, (results.SUCCESS, False)),
        ({}, results.WARNINGS, (results.SUCCESS, False)),
        ({"warnOnWarnings": True}, results.WARNINGS, (results.WARNINGS, False)),
        ({"flunkOnWarnings": True}, results.WARNINGS, (results.FAILURE, False)),
        ({}, results.FAILURE, (results.FAILURE, False)),
        ({"haltOnFailure": True}, results.FAILURE, (results.FAILURE, True)),
        ({"flunkOnFailure": False}, results.FAILURE, (results.SUCCESS, False)),
        (
            {"flunkOnFailure": False, "warnOnFailure": True},
            results.FAILURE,
            (results.WARNINGS, False),
        ),
        ({}, results.EXCEPTION, (results.EXCEPTION, True)),
        ({}, results.CANCELLED, (results.CANCELLED, True)),
        ({}, results.SKIPPED, (results.SUCCESS, False)),
    ],
)
def test_a_step_s_flags_say_what_its_result_means_for_the_build(flags, result, expected):
    step = results.ResultComputingConfigMixin()
    for name, value in flags.items():
        setattr(step, name, value)

    found = results.computeResultAndTermination(step, result, results.SUCCESS)

    assert found == expected


@pytest.mark.parametrize(
    ("chosen", "allowed"), [(None, True), ("", True), ("w1", True), ("w2", False)]
)
def test_a_chosen_worker_can_be_enforced(chosen, allowed):
    class Request:
        properties = Properties(workername=chosen)

    class Slot:
        worker = worker.LocalWorker("w1")

    assert enforceChosenWorker(None, Slot, Request) is allowed


@pytest.mark.parametrize(
    ("repository", "link"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r/commit/abc"),
        ("git@github.com:o/r", "https://github.com/o/r/commit/abc"),
        ("https://example.org/r.git", None),
    ],
)
def test_revisions_of_known_forges_have_links(repository, link):
    assert default_revlink_matcher("abc", repository) == link


def test_a_configuration_may_make_its_own_links():
    match = util.RevlinkMatch([r"git:(\w+)/(\w+)"], r"http://h/\1/\2?id=%s")

    assert isinstance(match, RevlinkMatch)
    assert match("abc", "git:a/b") == "http://h/a/b?id=abc"
    assert match("abc", "svn:a/b") is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"environment": ["A"]}, "environment must be a dictionary, not ['A']"),
        ({"environment": {"A=B": "x"}}, "'A=B' is not a valid name of a variable"),
        ({"environment": {"J": 4}}, "J must be a string, a list of strings or None"),
        ({"environment": {"J": "a\0b"}}, "J must not contain a zero byte"),
        ({"inherit_environment": "PATH"}, "must be True, False or a list of names, not 'PATH'"),
    ],
)
def test_a_local_worker_s_environment_is_checked(arguments: dict[str, Any], complaint: str) -> None:
    messages = _errors(lambda: worker.LocalWorker("a", **arguments))

    assert [complaint in message for message in messages] == [True]


def test_files_of_secrets_are_there_for_the_steps_within_with_secrets():
    factory = util.BuildFactory([steps.ShellCommand(command="before")])

    with factory.withSecrets([("key", util.Secret("key"))]) as within:
        within.addStep(steps.ShellCommand(command="with"))
    factory.addStep(steps.ShellCommand(command="after"))

    made = [step.buildStep() for step in factory.steps]
    assert [type(step).__name__ for step in made] == [
        *("ShellCommand", "DownloadSecretsToWorker", "ShellCommand"),
        *("RemoveWorkerFileSecret", "ShellCommand"),
    ]
    assert made[1].populated_secret_list[0][0] == "key"


def test_a_worker_can_be_inspected_before_there_is_a_master():
    configured = worker.Worker("w", "secret")

    found = {name: getattr(configured, name, None) for name in dir(configured) if name[0] != "_"}

    assert (found["conn"], found["quarantine_timeout"]) == (None, 10)
    with pytest.raises(RuntimeError, match="no master is running"):
        configured.registration.getPBPort()
