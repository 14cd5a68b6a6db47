"""Generators, formatters and functions of reports, by themselves."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildbot._border.bridge import inward
from buildbot._border.errors import collecting
from buildbot.plugins import reporters
from buildbot.process.results import Results
from buildbot.reporters import utils
from buildbot.reporters.base import ReporterBase
from buildbot.reporters.generators.choice import MODES, is_wanted, may_be_wanted
from buildbot.reporters.lanes import Lanes
from buildbot.reporters.log_contents import MOST_LETTERS, add_contents
from buildbot.reporters.message_texts import get_detected_status_text, get_message_summary_text

_RESULTS = st.sampled_from(range(len(Results)))
_PREVIOUS = st.one_of(st.none(), _RESULTS.map(lambda results: {"results": results}))
_MODES = st.lists(st.sampled_from(MODES), unique=True)


@settings(max_examples=50)
@given(_MODES, _RESULTS, _PREVIOUS)
def test_what_is_wanted_may_be_wanted(modes: list[str], results: int, previous: Any) -> None:
    if is_wanted(modes, results, previous):
        assert may_be_wanted(modes, results)


@settings(max_examples=50)
@given(_MODES, _MODES, _RESULTS, _PREVIOUS)
def test_more_modes_want_more_builds(
    modes: list[str], others: list[str], results: int, previous: Any
) -> None:
    both = [*modes, *others]

    assert is_wanted(both, results, previous) == (
        is_wanted(modes, results, previous) or is_wanted(others, results, previous)
    )


@pytest.mark.parametrize(
    ("mode", "results", "previous", "wanted"),
    [
        ("failing", 2, None, True),
        ("failing", 0, None, False),
        ("passing", 0, None, True),
        ("warnings", 1, None, True),
        ("warnings", 2, None, True),
        ("exception", 4, None, True),
        ("cancelled", 6, None, True),
        ("change", 2, None, False),
        ("change", 2, 2, False),
        ("change", 2, 0, True),
        ("problem", 2, 2, False),
        ("problem", 2, 0, True),
        ("problem", 2, None, False),
        ("problem", 0, 2, False),
        ("all", 4, None, True),
        ("all", 5, None, False),
    ],
)
def test_a_mode_chooses_builds_as_the_manual_says(
    mode: str, results: int, previous: int | None, wanted: bool
) -> None:
    generator = reporters.BuildStatusGenerator(mode=mode)
    before = None if previous is None else {"results": previous}

    assert generator.is_message_needed_by_results({"results": results, "prev_build": before}) is (
        wanted
    )


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: reporters.BuildStatusGenerator(mode="faling"), 'did you mean "failing"?'),
        (lambda: reporters.BuildStatusGenerator(mode=("failing", "x")), 'mode "x" does not exist'),
        (lambda: reporters.BuildStatusGenerator(mode=["all"]), "write mode='all', not ['all']"),
        (lambda: reporters.BuildStatusGenerator(mode=7), 'mode "7" does not exist'),
        (lambda: reporters.BuildStatusGenerator(builders="b"), "must be a list of names, not 'b'"),
        (lambda: reporters.BuildStatusGenerator(subject="a\nBcc: x"), "subject must be one line"),
        (lambda: reporters.MessageFormatter("{% if %}"), "line 1 of the template"),
        (lambda: reporters.MessageFormatter(subject="{{"), "line 1 of the subject"),
        (lambda: reporters.MessageFormatter(template_type="text"), "plain, html or json"),
        (lambda: reporters.MessageFormatter(3), "the template must be a string, not 3"),
        (lambda: ReporterBase(generators=3), "generators must be a list of report generators"),
        (lambda: ReporterBase(generators=[reporters.BuildStatusGenerator]), "must have report"),
        (
            lambda: ReporterBase(
                generators=[reporters.BuildStatusGenerator(tags=["t"], builders=["b"])]
            ),
            "give tags or builders, not both",
        ),
        (
            lambda: ReporterBase(generators=[reporters.WorkerMissingGenerator("w")]),
            "workers must be 'all' or a list of names, not 'w'",
        ),
        (lambda: ReporterBase(generators=[], nme="x"), 'has no argument "nme"'),
    ],
)
def test_a_mistake_in_a_reporter_is_one_of_the_configuration(make: Any, complaint: str) -> None:
    with collecting() as found:
        make()

    assert complaint in "\n".join(one.message for one in found.errors)


@pytest.mark.parametrize(
    "make",
    [
        lambda: reporters.BuildStatusGenerator(mode="change", tags=["t"]),
        lambda: reporters.BuildStatusGenerator(message_formatter=reporters.MessageFormatter("x")),
        lambda: reporters.BuildStartEndStatusGenerator(),
        lambda: reporters.BuildSetStatusGenerator(builders=["a"]),
        lambda: reporters.BuildSetCombinedStatusGenerator(reporters.MessageFormatterEmpty()),
        lambda: reporters.WorkerMissingGenerator(["w"]),
        lambda: reporters.BuildRequestGenerator(branches=["x"]),
        lambda: ReporterBase(generators=[reporters.BuildStatusGenerator(mode="failing")]),
        lambda: reporters.MessageFormatterFunction(len, "plain", want_steps=True),
        lambda: reporters.MessageFormatterMissingWorker(subject="s"),
    ],
)
def test_what_is_made_twice_is_equal(make: Any) -> None:
    assert make() == make()


def test_what_differs_is_not_equal() -> None:
    made = [
        reporters.BuildStatusGenerator(),
        reporters.BuildStatusGenerator(mode="all"),
        reporters.BuildStatusGenerator(message_formatter=reporters.MessageFormatter("x")),
        reporters.BuildStatusGenerator(message_formatter=reporters.MessageFormatter("y")),
        reporters.BuildStatusGenerator(report_new=True),
        reporters.MessageFormatter("x", want_steps=True),
        reporters.MessageFormatter("x"),
    ]

    assert [one == other for one in made for other in made if one is not other] == [False] * 42


def test_a_reporter_without_a_name_has_that_of_its_generators() -> None:
    generator = reporters.BuildStatusGenerator(mode=("failing", "problem"), tags=["a", "b"])

    made = ReporterBase(generators=[generator, reporters.WorkerMissingGenerator()])

    assert made.name == (
        "ReporterBase_BuildStatusGenerator_tags_a+bfailing_problem_"
        "WorkerMissingGenerator_workers_a+l+l"
    )


_MASTER: Any = SimpleNamespace(
    config=SimpleNamespace(title="<Farm>", buildbotURL="http://ci.example.org/")
)


def _build(**changes: Any) -> dict[str, Any]:
    stamp = {"codebase": "", "branch": "main", "revision": None, "project": "", "patch": None}
    return {
        "buildid": 7,
        "results": 2,
        "state_string": "<script>alert(1)</script>",
        "builder": {"name": "b", "tags": []},
        "buildset": {"sourcestamps": [stamp], "reason": "why", "results": 2},
        "properties": {"workername": ("w", "Worker")},
        "url": "http://ci.example.org/#/builders/1/builds/1",
        **changes,
    }


async def _formatted(formatter: Any, build: dict[str, Any], **told: Any) -> dict[str, Any]:
    found = await formatter.format_message_for_build(_MASTER, build, **told).asFuture(
        asyncio.get_running_loop()
    )
    assert isinstance(found, dict)
    return found


async def test_values_in_html_are_escaped() -> None:
    formatter = reporters.MessageFormatter(
        "<b>{{ build['state_string'] }}</b> {{ own | safe }}",
        template_type="html",
        subject="{{ buildbot_title }}",
        ctx={"own": "<hr>"},
    )

    message = await _formatted(formatter, _build())

    assert message["body"] == "<b>&lt;script&gt;alert(1)&lt;/script&gt;</b> <hr>"
    assert (message["type"], message["subject"]) == ("html", "<Farm>")


async def test_every_documented_name_is_in_the_context() -> None:
    names = [
        "results",
        "result_names",
        "buildername",
        "mode",
        "workername",
        "buildset",
        "build",
        "is_buildset",
        "projects",
        "previous_results",
        "status_detected",
        "build_url",
        "buildbot_url",
        "buildbot_title",
        "blamelist",
        "summary",
        "sourcestamps",
    ]
    seen: list[dict[str, Any]] = []
    formatter = reporters.MessageFormatterFunctionRaw(lambda master, ctx: seen.append(ctx) or {})

    message = await _formatted(formatter, _build(), mode=("failing",), users=["ann"])

    assert set(names) <= set(seen[0])
    assert (seen[0]["mode"], seen[0]["blamelist"]) == (("failing",), ["ann"])
    assert message == {"body": None, "type": "plain", "subject": None, "extra_info": None}


async def test_a_template_cannot_reach_the_master_s_insides() -> None:
    formatter = reporters.MessageFormatter("{{ build.__class__.__mro__ }}")

    with pytest.raises(Exception, match="unsafe"):
        await _formatted(formatter, _build())


@pytest.mark.parametrize("results", range(len(Results)))
def test_a_build_is_described_whatever_came_of_it(results: int) -> None:
    assert get_detected_status_text(MODES, results, None)
    assert get_message_summary_text({"state_string": "failed: make (exit 2)"}, results)
    assert "failed: " not in get_message_summary_text({"state_string": "failed: x"}, results)


@pytest.mark.parametrize(
    ("old", "new"),
    [("wantProperties", "want_properties"), ("wantSteps", "want_steps"), ("wantLogs", "want_logs")],
)
def test_an_old_argument_of_a_formatter_works_with_a_warning(old: str, new: str) -> None:
    with collecting() as found:
        formatter = reporters.MessageFormatterFunction(len, "json", **{old: True})

    assert getattr(formatter, new) is True
    assert new in found.warnings[0].message


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([["a"], ["b"]], ["a", "b"]),
        (["x", None, "y"], "xy"),
        ([{"a": 1}, {"b": 2}], {"a": 1, "b": 2}),
        ([None, None], None),
    ],
)
def test_reports_of_one_event_are_merged(values: list[Any], merged: Any) -> None:
    found = [{"it": value} for value in values]

    assert utils.merge_reports_prop(found, "it") == merged
    first = next((value for value in values if value is not None), None)
    assert utils.merge_reports_prop_take_first(found, "it") == first


class _Logs:
    """Reads of logs, as ``master.data`` has them."""

    def __init__(self, lines: list[str]) -> None:
        self.data = self
        self._lines = lines

    async def get(self, path: Any, offset: int, limit: int) -> dict[str, Any]:
        return {"content": "".join(self._lines[offset : offset + limit])}


@pytest.mark.parametrize("width", [10, 100, 5_000, MOST_LETTERS + 1])
async def test_a_report_has_the_end_of_a_long_log_only(width: int) -> None:
    lines = [f"o{number:0{width}}\n" for number in range(2 * MOST_LETTERS // width + 5)]
    log = {"logid": 1, "name": "stdio", "num_lines": len(lines), "type": "s", "url": "http://l"}

    await add_contents(_Logs(lines), [{"name": "make", "logs": [log]}], ["make.stdio"])

    content = log["content"]
    notice, _, text = content["content"].partition("\n")
    assert len(text) <= MOST_LETTERS
    assert notice == f"h[the first {content['firstline']} lines are not in this report; " + (
        "see http://l]"
    )
    assert text == "".join(lines[content["firstline"] :])


async def test_short_logs_are_whole_and_unwanted_ones_are_not_read() -> None:
    log = {"logid": 1, "name": "stdio", "num_lines": 2, "type": "s", "url": "http://l"}
    other = {"logid": 2, "name": "other"}

    await add_contents(_Logs(["oa\n", "ob\n"]), [{"name": "m", "logs": [log, other]}], ["stdio"])

    assert log["content"] == {"logid": 1, "firstline": 0, "content": "oa\nob\n"}
    assert "content" not in other


async def test_work_of_one_subject_is_done_in_order_beside_that_of_others() -> None:
    lanes = Lanes("test", at_once=2, most=4)
    done: list[str] = []
    gate = asyncio.Event()

    async def slow() -> None:
        await gate.wait()
        done.append("a1")

    def quick(name: str) -> Any:
        async def work() -> None:
            done.append(name)

        return work

    await lanes.put("a", slow)
    await lanes.put("a", quick("a2"))
    await lanes.put("b", quick("b1"))
    await lanes.put("c", quick("c1"))
    fifth = asyncio.ensure_future(lanes.put("d", quick("d1")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert done == ["b1", "c1", "d1"] and fifth.done()

    gate.set()
    await lanes.close(patience=5)
    assert done[3:] == ["a1", "a2"] and lanes.waiting == 0


async def test_a_message_has_no_passwords_of_addresses() -> None:
    address = "https://user:{}@host/x.git"
    formatter = reporters.MessageFormatterFunction(
        lambda context: [{"repository": context["build"]["repository"]}], "json"
    )

    build = {"repository": address.format("hunter2")}
    message = await inward(formatter.format_message_for_build, None, build)

    assert message["body"] == [{"repository": address.format("***")}]
