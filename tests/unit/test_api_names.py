"""The names that published configurations import must be there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from step_workshop import StepWorkshop

import buildbot
from buildbot import plugins
from buildbot._border.errors import collecting
from buildbot.plugins import changes, reporters, steps, util
from buildbot.plugins.accepted import MODULES
from buildbot.plugins.db import get_plugins
from buildbot.plugins.namespace import Namespace
from chargehand.config.model import NotYet
from chargehand.domain.result import Result

DATA = Path(__file__).parent / "data"


def _lines(name):
    return (DATA / name).read_text().splitlines()


@pytest.mark.parametrize("line", _lines("imported_names.txt"))
def test_a_name_that_configurations_import_is_there(line):
    module_name, _, attribute = line.partition(":") if ":" in line else line.rpartition(".")
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError:
        above, _, name = module_name.rpartition(".")
        found = getattr(importlib.import_module(above), name)

    if not hasattr(found, attribute):
        importlib.import_module(f"{module_name}.{attribute}")


@pytest.mark.parametrize("name", _lines("plugin_names.txt"))
def test_a_plugin_name_of_buildbot_s_is_there(name):
    namespace, _, rest = name.partition(".")

    assert getattr(plugins, namespace).get(rest) is not None


def test_everything_can_be_imported_at_once():
    names = {}
    exec("from buildbot.plugins import *", names)

    assert {"changes", "schedulers", "steps", "util", "worker", "reporters", "secrets"} <= set(
        names
    )
    assert names["util"].SUCCESS == 0


def test_the_version_is_that_of_the_interface():
    assert buildbot.version == "4.3.0"


@pytest.mark.parametrize(
    ("namespace", "name", "hint"),
    [
        (steps, "ShellComand", 'did you mean "ShellCommand"'),
        (util, "Interpolat", 'did you mean "Interpolate"'),
        (steps, "Xyzzy", '"steps.Xyzzy" does not exist'),
    ],
)
def test_an_unknown_name_is_answered_with_help(namespace, name, hint):
    with pytest.raises(AttributeError, match=hint):
        getattr(namespace, name)

    assert namespace.get(name) is None
    assert name not in namespace


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match="xyzzy"):
        importlib.import_module("buildbot.xyzzy")
    with pytest.raises(ImportError):
        exec("from buildbot.steps.transfer import Xyzzy")


def test_names_within_names_are_found():
    assert util.repo.DownloadsFromProperties is util.get("repo.DownloadsFromProperties")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A plug-in that is installed."""
    (tmp_path / "their_plugin.py").write_text("class Their: pass\nclass Deep: pass\n")
    information = tmp_path / "their_plugin-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: their-plugin\nVersion: 1.0\n"
    )
    (information / "entry_points.txt").write_text(
        "[buildbot.steps]\nTheir = their_plugin:Their\nShellCommand = their_plugin:Their\n"
        "[buildbot.util]\ntheirs.Deep = their_plugin:Deep\n[buildbot.new]\nx = their_plugin:Deep\n"
    )
    other = tmp_path / "buildbot-4.3.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: buildbot\nVersion: 4.3.0\n")
    (other / "entry_points.txt").write_text("[buildbot.steps]\nUpstream = buildbot.nowhere:Up\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_names_of_installed_plugins_are_found(plugin):
    space = Namespace("buildbot.plugins.steps", "buildbot.steps", {})

    assert space.Their.__module__ == "their_plugin"
    assert "Their" in space
    assert "Their" in dir(space)
    assert Namespace("buildbot.plugins.util", "buildbot.util", {}).theirs.Deep.__name__ == "Deep"
    assert get_plugins("new").x.__name__ == "Deep"


def test_our_names_come_before_a_plugin_s(plugin):
    assert steps.ShellCommand.__module__ == "buildbot.steps.shell"


def test_an_installed_buildbot_is_not_taken_for_a_plugin(plugin):
    assert "Upstream" not in Namespace("buildbot.plugins.steps", "buildbot.steps", {})


_LISTED = [(module, name) for module, names in MODULES.items() for name in names]


@pytest.mark.parametrize(("module", "name"), _LISTED)
def test_an_accepted_name_can_be_imported(module, name):
    found = getattr(importlib.import_module(module), name)

    assert found.__name__ == name
    assert found is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", list(MODULES))
def test_an_accepted_name_has_no_module_file_that_would_hide_it(module):
    assert getattr(importlib.import_module(module), "__file__", None) is None


_STEPS = [
    (module, name)
    for module, names in MODULES.items()
    for name, accepted in names.items()
    if accepted.kind in ("step", "shell", "source")
]


@pytest.mark.parametrize(("module", "name"), _STEPS)
def test_an_accepted_step_takes_its_arguments_and_warns(module, name):
    arguments = {key: f"<{key}>" for key in MODULES[module][name].arguments if key != "*"}

    with collecting() as found:
        step = getattr(importlib.import_module(module), name)(
            **arguments, haltOnFailure=True, doStepIf=lambda step: True
        )

    assert not found.errors
    assert f"{name} is not supported yet" in found.warnings[0].message
    for key, value in arguments.items():
        assert getattr(step, key) == value


def test_an_accepted_step_says_which_argument_it_does_not_know():
    with collecting() as found:
        steps.TreeSize(command="a", commnd="b")

    assert any("commnd" in error.message for error in found.errors)


def test_arguments_of_an_accepted_step_may_be_positional():
    step = steps.Robocopy("a", "b", mirror=True)

    assert (step.source, step.destination, step.mirror) == ("a", "b", True)


def test_a_step_that_does_its_own_work_is_no_step_to_come():
    class Mine(steps.Trigger):
        async def run(self):
            return 0

    with collecting() as found:
        Mine(schedulerNames=["x"])

    assert not found.warnings


async def test_an_accepted_step_ends_its_build_with_an_exception_and_says_why():
    workshop = StepWorkshop(
        steps.RpmBuild(specfile="x", name="upload"), steps.ShellCommand(command=["never"])
    )

    build = await workshop.run()

    assert build.result is Result.EXCEPTION
    assert workshop.outcome()[-1] == (
        "upload",
        Result.EXCEPTION,
        "RpmBuild is not supported yet (exception)",
    )
    assert "docs/migrating-from-buildbot.md" in workshop.logs.text("not supported yet")


async def test_renderables_know_the_build_that_they_are_rendered_for():
    values = {
        "url": util.Interpolate("%(prop:buildername)s %(src::branch)s|%(worker:version)s|"),
        "stamps": util.renderer(lambda props: [s["codebase"] for s in props.sourcestamps]),
        "builder": util.renderer(lambda props: props.build.builder.name),
        "steps": util.renderer(lambda props: len(props.getBuild().executedSteps)),
    }
    workshop = StepWorkshop(steps.SetProperties(values))

    build = await workshop.run()

    found = workshop.builds.properties[build.id]
    assert found["builder"][0] == found["buildername"][0]
    assert found["url"][0].startswith(found["buildername"][0])
    assert found["stamps"][0] == [""]
    assert found["steps"][0] >= 0


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: reporters.ZulipStatusPush("http://z", token="t"), "ZulipStatusPush"),
        (
            lambda: reporters.BitbucketStatusPush(
                oauth_key=util.Secret("k"),
                oauth_secret=util.Secret("s"),
                generators=[
                    reporters.BuildStartEndStatusGenerator(
                        start_formatter=reporters.MessageFormatterRenderable("started")
                    )
                ],
            ),
            "BitbucketStatusPush",
        ),
        (lambda: changes.HgPoller("http:r", pollInterval=60), "HgPoller"),
        (lambda: changes.GitHubPullrequestPoller("o", "r", token="t"), "GitHubPullrequestPoller"),
    ],
)
def test_a_reporter_is_accepted_as_one_to_come(make, kind):
    with collecting() as found:
        component = make()._as_component()

    assert not found.errors
    assert component.settings == NotYet(kind=kind)


def test_a_reporter_says_which_argument_it_does_not_know():
    with collecting() as found:
        reporters.ZulipStatusPush("http://z", tokn="t")

    assert [error.message for error in found.errors] == [
        'ZulipStatusPush has no argument "tokn"; did you mean "token"?'
    ]


def test_a_subclass_of_a_reporter_may_check_its_own_arguments():
    checked = []

    class Mine(reporters.ReporterBase):
        name = "Mine"

        def checkConfig(self, url, generators=None, **kwargs):
            checked.append(url)
            super().checkConfig(generators=generators, **kwargs)

    made = Mine("http://h", generators=[])

    assert checked == ["http://h"]
    assert made._as_component().name == "Mine"


def test_authentication_and_authorisation_are_kept_as_values():
    authz = util.Authz(
        allowRules=[util.AnyControlEndpointMatcher(role="admins")],
        roleMatchers=[util.RolesFromEmails(admins=["a@b"]), util.RolesFromGroups("x-")],
    )

    assert authz.allowRules[0].role == "admins"
    assert authz.roleMatchers[1].groupPrefix == "x-"
    assert util.UserPasswordAuth({"u": "p"}).users == {"u": "p"}
    assert util.GitHubAuth("id", "secret", apiVersion=4).clientId == "id"
    assert util.RolesFromGroups("a") == util.RolesFromGroups("a")


def test_reporters_without_a_name_are_told_apart_by_their_generators():
    class Mine(reporters.ReporterBase):
        def checkConfig(self):
            super().checkConfig(generators=[])

    def notifier(**choice):
        generator = reporters.BuildStatusGenerator(**choice)
        return reporters.MailNotifier("a@b.org", generators=[generator]).name

    assert notifier(mode="failing") == "MailNotifier_BuildStatusGeneratorfailing"
    assert notifier(mode="change", builders=["a", "b"], branches=["x"]) == (
        "MailNotifier_BuildStatusGenerator_builders_a+b_branches_xchange"
    )
    assert reporters.MailNotifier("a@b.org", name="own").name == "own"
    assert Mine().name == "Mine"
