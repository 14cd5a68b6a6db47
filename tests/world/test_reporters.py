"""Reporters of users in a running master: the reports that reach ``sendMessage``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chargehand.testing.world import World, world

CONFIG = """
import builtins
from twisted.internet import defer
from buildbot.plugins import reporters, schedulers, steps, util, worker
from buildbot.reporters import utils
from buildbot.reporters.base import ReporterBase
from buildbot.reporters.generators.build import BuildStatusGenerator
from buildbot.reporters.message import MessageFormatterBase

class Keeping(ReporterBase):
    def sendMessage(self, reports):
        builtins.reports.append((self.name, reports))

class Checking(Keeping):
    # its own arguments, and generators of its own
    name = 'Checking'
    def checkConfig(self, url, generators=None, **kwargs):
        if not url.startswith('http'):
            raise ValueError(url)
        if generators is None:
            generators = self._create_default_generators()
        super().checkConfig(generators=generators, **kwargs)

    @defer.inlineCallbacks
    def reconfigService(self, url, generators=None, **kwargs):
        if generators is None:
            generators = self._create_default_generators()
        yield super().reconfigService(generators=generators, **kwargs)
        self.url = url

    def _create_default_generators(self):
        return [reporters.BuildStartEndStatusGenerator()]

    @defer.inlineCallbacks
    def sendMessage(self, reports):
        build = reports[0]['builds'][0]
        yield utils.getDetailsForBuild(self.master, build, want_properties=True, want_steps=True)
        users = yield utils.getResponsibleUsersForBuild(self.master, build['buildid'])
        url = utils.getURLForBuild(self.master, build['builder']['builderid'], build['number'])
        builtins.reports.append((self.url, [dict(reports[0], users=users, url=url)]))

class Old(reporters.HttpStatusPushBase):
    name = 'Old'
    neededDetails = {'wantProperties': True, 'wantSteps': True}

    @defer.inlineCallbacks
    def send(self, build):
        yield defer.succeed(None)
        builtins.reports.append(('old', [{
            'results': build['results'], 'steps': [s['name'] for s in build['steps']],
            'branch': build['properties']['branch'][0], 'id': build['buildid']}]))

class Failing(ReporterBase):
    name = 'Failing'
    async def sendMessage(self, reports):
        raise RuntimeError('no network')

class Mine(MessageFormatterBase):
    @defer.inlineCallbacks
    def buildAdditionalContext(self, master, ctx):
        ctx.update(self.ctx)
        ctx['changes'] = yield master.data.get(('builds', ctx['build']['buildid'], 'changes'))

    def render_message_body(self, context):
        return ', '.join(change['author'] for change in context['changes'])

class Own(BuildStatusGenerator):
    wanted_event_keys = [('builds', None, 'finished')]

    @defer.inlineCallbacks
    def generate(self, master, reporter, key, build):
        build = dict(build)
        yield utils.getDetailsForBuild(master, build, want_properties=True)
        if not self.is_message_needed_by_props(build):
            return None
        report = yield self.build_message(self.formatter, master, reporter, build)
        return dict(report, body=report['body'] + ' (own)')

everything = dict(want_steps=True, want_logs=True, want_logs_content=True)
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('w')]
f = util.BuildFactory([steps.ShellCommand(name='compile', command='make')])
c['builders'] = [
    util.BuilderConfig(name=name, workernames=['w'], factory=f, tags=[name[0]])
    for name in ('left', 'right')]
c['schedulers'] = [
    schedulers.AnyBranchScheduler(name='all', builderNames=['left', 'right'], treeStableTimer=None),
]
c['title'] = 'Farm'
c['services'] = [
    Keeping(name='default', generators=[BuildStatusGenerator()]),
    Keeping(name='html', generators=[BuildStatusGenerator(
        mode='all', builders=['left'],
        message_formatter=reporters.MessageFormatter(template_type='html', **everything))]),
    Keeping(name='tags', generators=[BuildStatusGenerator(mode=('change', 'problem'), tags=['r'])]),
    Keeping(name='schedulers', generators=[
        BuildStatusGenerator(mode='all', schedulers=['none']),
        BuildStatusGenerator(mode='all', branches=['none'])]),
    Keeping(name='function', generators=[BuildStatusGenerator(
        mode='all', report_new=True,
        message_formatter=reporters.MessageFormatterFunction(
            lambda ctx: {'id': ctx['build']['buildid']}, 'json', want_properties=False))]),
    Keeping(name='raw', generators=[BuildStatusGenerator(
        mode='all', message_formatter=reporters.MessageFormatterFunctionRaw(
            lambda master, ctx: {'subject': ctx['buildername'], 'extra_info': {'a': 1}}))]),
    Keeping(name='renderable', generators=[BuildStatusGenerator(
        mode='all', message_formatter=reporters.MessageFormatterRenderable(
            util.Interpolate('%(prop:buildername)s of %(prop:branch)s'), subject='S'))]),
    Keeping(name='buildset', generators=[reporters.BuildSetStatusGenerator(mode='all')]),
    Keeping(name='combined', generators=[reporters.BuildSetCombinedStatusGenerator(
        reporters.MessageFormatterFunction(
            lambda ctx: ' '.join(sorted(b['builder']['name'] for b in ctx['builds'])), 'plain'))]),
    Keeping(name='requests', generators=[reporters.BuildRequestGenerator()]),
    Keeping(name='mine', generators=[BuildStatusGenerator(mode='all', message_formatter=Mine())]),
    Keeping(name='own', generators=[Own(mode='all', message_formatter=reporters.MessageFormatter(
        '{{ buildername }}', subject='{{ status_detected }}'))]),
    Checking('http://example.org'),
    Failing(),
    Old(),
]
"""


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[dict[str, Any]]]]:
    found: list[tuple[str, list[dict[str, Any]]]] = []
    monkeypatch.setattr("builtins.reports", found, raising=False)
    return found


async def test_each_reporter_gets_the_reports_that_its_generators_are_for(
    tmp_path: Path, reports: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    async with world(CONFIG, path=tmp_path) as ci:
        ci.worker("w").on("make", output="<oops>\n", rc=1)
        await ci.push(branch="main", revision="abc", author="Ann <ann@example.org>")
        await ci.until_idle()
        await ci.settle()

        def of(name: str) -> list[dict[str, Any]]:
            return [one for reporter, all_of in reports if reporter == name for one in all_of]

        _says_what_the_template_says(sorted(of("default"), key=lambda one: one["builder_name"]))
        (html,) = of("html")
        assert html["type"] == "html" and "<p>Information:</p>" in html["body"]
        assert "Ann &lt;ann@example.org&gt;" in html["body"]
        (step,) = [one for one in html["builds"][0]["steps"] if one["name"] == "compile"]
        assert "o<oops>\n" in step["logs"][0]["content"]["content"]
        assert step["logs"][0]["url"].endswith("/logs/stdio")
        assert not of("tags") and not of("schedulers")
        of_first = [one["results"] for one in of("function") if one["body"] == {"id": 1}]
        assert (of_first, len(of("function"))) == ([None, 2], 4)
        assert {one["subject"] for one in of("raw")} == {"left", "right"}
        assert of("raw")[0]["extra_info"] == {"a": 1}
        assert {one["body"] for one in of("renderable")} == {"left of main", "right of main"}
        (buildset,) = of("buildset")
        assert buildset["body"].count("has been detected on builder") == 2
        assert len(buildset["builds"]) == 2 and buildset["results"] == 2
        assert [one["body"] for one in of("combined")] == ["left right"]
        assert [one["body"] for one in of("requests")] == ["Build pending."] * 2
        assert of("requests")[0]["builds"][0]["properties"]["buildername"][0] in ("left", "right")
        assert [one["body"] for one in of("mine")] == ["Ann <ann@example.org>"] * 2
        assert {(one["body"], one["subject"]) for one in of("own")} == {
            ("left (own)", "failed build"),
            ("right (own)", "failed build"),
        }
        assert [
            one["body"] for one in of("http://example.org") if one["builds"][0]["buildid"] == 1
        ] == ["Build started.", "Build done."]
        assert of("http://example.org")[0]["users"] == ["Ann <ann@example.org>"]
        assert {one["url"].partition("#")[2] for one in of("http://example.org")} == {
            "/builders/1/builds/1",
            "/builders/2/builds/1",
        }
        begun, ended = [one for one in of("old") if one["id"] == 1]
        assert (begun["results"], ended["results"], ended["branch"]) == (None, 2, "main")
        assert "compile" in ended["steps"]
        assert 'ERROR reporter "Failing" could not send its report of builds.1.finished' in ci.log
        assert "RuntimeError: no network" in ci.log
        await _a_change_is_reported_once(ci, reports)
        assert await ci.reconfigure(CONFIG) == "nothing changed"


def _says_what_the_template_says(found: list[dict[str, Any]]) -> None:
    assert len(found) == 2
    assert found[0]["subject"] == "☠ Buildbot (Farm): left - failed: compile (exit 1) (main)"
    assert found[0]["users"] == ["Ann <ann@example.org>"]
    assert found[0]["builder_name"] == "left"
    for line in (
        "A failed build has been detected on builder left while building Farm.",
        "    http://localhost:8010/#/builders/1/builds/1",
        "Worker: w",
        "Blamelist: Ann <ann@example.org>",
        "Build Source Stamp: [branch main] abc",
        "BUILD FAILED: compile (exit 1)",
    ):
        assert line in found[0]["body"]


async def _a_change_is_reported_once(
    ci: World, reports: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    reports.clear()
    ci.worker("w").on("make", rc=0)
    await ci.push(branch="main", revision="def")
    await ci.until_idle()
    await ci.settle()
    (report,) = [one for name, all_of in reports if name == "tags" for one in all_of]
    assert "A restored build has been detected on builder right" in report["body"]
    assert report["builds"][0]["prev_build"]["results"] == 2


_OF_BUILDSETS = """
combined = lambda name, *args, **kwargs: Keeping(
    name=name, generators=[reporters.BuildSetCombinedStatusGenerator(
        reporters.MessageFormatter(*args, **kwargs))])
c['services'] = [
    combined('plain'),
    combined('html', template_type='html'),
    combined('own', '{% for one in builds %}{{ one.builder.name }} {% endfor %}'),
    combined('both', '{{ status_detected }}', subject='of {{ projects }}'),
]
"""


async def test_one_message_tells_of_all_builds_of_a_buildset(
    tmp_path: Path, reports: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    async with world(CONFIG + _OF_BUILDSETS, path=tmp_path) as ci:
        ci.worker("w").on("make", rc=1)
        await ci.push(branch="main", revision="abc", author="Ann <ann@example.org>")
        await ci.until_idle()
        await ci.settle()

    of = {name: one for name, (one,) in reports}
    subject = "☠ Buildbot (Farm): whole buildset - failed build"
    assert "\nBlamelist: Ann <ann@example.org>\n" in of["plain"]["body"]
    for builder in ("left", "right"):
        assert f"\n- {builder} #1: failed: compile (exit 1)\n    http" in of["plain"]["body"]
        assert f">{builder} #1</a>: failed: compile (exit 1)</li>" in of["html"]["body"]
    assert [of[name]["subject"] for name in ("plain", "html", "own")] == [subject] * 3
    assert sorted(of["own"]["body"].split()) == ["left", "right"]
    assert (of["both"]["body"], of["both"]["subject"]) == ("failed build", "of Farm")
