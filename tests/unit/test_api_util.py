"""The small functions of ``buildbot.util``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from twisted.internet import defer
from twisted.python.failure import Failure

from buildbot import util
from buildbot._border import bridge
from buildbot.process.properties import Property
from buildbot.util import identifiers
from buildbot.util.giturlparse import GitUrl
from buildbot.warnings import DeprecatedApiWarning, warn_deprecated


class Point(util.ComparableMixin):
    compare_attrs = ("x", "y")

    def __init__(self, x, y, note=""):
        self.x, self.y, self.note = x, y, note


class Named(Point):
    compare_attrs = ("name",)

    def __init__(self, x, y, name):
        super().__init__(x, y)
        self.name = name


def test_objects_are_equal_when_the_attributes_that_matter_are():
    assert Point(1, 2, "a") == Point(1, 2, "b")
    assert Point(1, 2) != Point(1, 3)
    assert Point(1, 2) != "text"
    assert Named(1, 2, "a") != Named(2, 2, "a")
    assert Named(1, 2, "a") != Named(1, 2, "b")
    assert Named(1, 2, "a") != Point(1, 2)
    assert len({Point(1, 2), Point(1, 2, "b"), Point(2, 1)}) == 2
    assert Point(1, 2) < Point(1, 3) <= Point(1, 3) < Point(2, 0)
    assert Point(2, 0) > Point(1, 3) >= Point(1, 3)
    with pytest.raises(TypeError):
        Point(1, 2) < 5  # noqa: B015 - the comparison is what is tried


def test_renderables_within_are_compared_as_values():
    one = Point([Property("a")], {"k": (Property("b") == 1)})

    assert one == Point([Property("a")], {"k": (Property("b") == 1)})
    assert one != Point([Property("z")], {"k": (Property("b") == 1)})
    assert one != Point([Property("a")], {"k": (Property("b") == 2)})
    assert one != Point(["a"], {"k": (Property("b") == 1)})
    assert Point(["a"], 1) != Point([Property("a")], 1)
    assert Property("a").isEquivalent(Property("a"))


def test_an_attribute_that_is_missing_matters_as_well():
    one, other = Point(1, 2), Point(1, 2)
    del other.y

    assert one != other
    assert Point(1, None).getConfigDict() == {"x": 1}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a moment"),
        (1, "a moment"),
        (2, "2 seconds"),
        (19, "19 seconds"),
        (45, "40 seconds"),
        (46, "50 seconds"),
        (55, "a minute"),
        (90, "2 minutes"),
        (2999, "50 minutes"),
        (3300, "an hour"),
        (5400, "2 hours"),
        (84000, "23 hours"),
        (86000, "a day"),
        (2500000, "29 days"),
        (2592000, "a month"),
        (30000000, "11 months"),
        (31000000, "a year"),
        (48000000, "2 years"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert util.fuzzyInterval(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 secs"),
        (60, "60 secs"),
        (61, "1 mins, 1 secs"),
        (3600, "60 mins, 0 secs"),
        (3661, "1 hrs, 1 mins, 1 secs"),
        (3720, "1 hrs, 2 mins, 0 secs"),
        (7200, "2 hrs, 0 secs"),
        (90061, "25 hrs, 1 mins, 1 secs"),
    ],
)
def test_durations_are_said_exactly(seconds, words):
    assert util.formatInterval(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "super fast"),
        (1, "1 seconds"),
        (90061, "1 days, 1 hours, 1 minutes, 1 seconds"),
        (172801, "2 days, 1 seconds"),
    ],
)
def test_the_time_between_two_times_is_said(seconds, words):
    assert util.human_readable_delta(0, seconds) == words
    assert util.human_readable_delta(5, 1) == "in the future"


def test_times_become_seconds_and_back():
    assert util.datetime2epoch(datetime(1970, 1, 2, tzinfo=UTC)) == 86400
    assert util.datetime2epoch(datetime(1970, 1, 2)) == 86400  # noqa: DTZ001 - it says none
    assert util.epoch2datetime(86400) == datetime(1970, 1, 2, tzinfo=util.UTC)
    assert util.epoch2datetime(None) is None and util.datetime2epoch(None) is None
    assert util.toJson(datetime(1970, 1, 2, tzinfo=UTC)) == 86400
    assert util.toJson(5) is None
    assert util.now() > 1.7e9


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["make", "a b"], "'make a b'"),
        (["make", "a", "b", "c"], "'make a ...'"),
        ("make all the tests", "'make all ...'"),
        ("a", "'a'"),
        (b"a b c", "'a b ...'"),
        ([b"a", "b", 5], "'a b ...'"),
        (["a", ["b", "c"], "d"], "'a b ...'"),
        ([Property("x"), "y", "z"], "'Property(x) y ...'"),
        (Property("x"), None),
        ([], None),
        ("", None),
    ],
)
def test_a_command_is_told_in_a_few_words(command, words):
    assert util.command_to_string(command) == words


def test_text_and_bytes_become_each_other():
    assert util.bytes2unicode(b"\xc3\xa9") == "é"
    assert util.bytes2unicode("x") == "x" and util.bytes2unicode(None) is None
    assert util.bytes2unicode(b"\xff", errors="replace") == "\ufffd"
    assert util.ascii2unicode(b"x") == "x"
    assert util.unicode2bytes("é") == b"\xc3\xa9" and util.unicode2bytes(5) == 5
    with pytest.raises(TypeError):
        util.bytes2unicode(5)
    with pytest.raises(UnicodeDecodeError):
        util.ascii2unicode(b"\xc3")


def test_names_are_made_safe():
    assert util.safeTranslate("a b/c:d.e é") == b"a_b_c_d_e_\xc3\xa9"
    assert util.none_or_str(None) is None and util.none_or_str(5) == "5"
    assert util.string2boolean(b"on") and not util.string2boolean("No")
    assert util.stripUrlPassword("http://u:p@h/x") == "http://u:xxxx@h/x"
    assert util.stripUrlPassword("http://u@h/x") == "http://u@h/x"
    with pytest.raises(KeyError):
        util.string2boolean("perhaps")


def test_paragraphs_are_wrapped_anew():
    assert util.rewrap("  a\n  b\n\n  c\n   d\n") == "a b\nc d\n"
    assert util.rewrap("a b c d", 3) == "a b\nc d"


def test_lists_are_made_and_flattened():
    assert util.naturalSort(["a10", "a9", "b", "a"]) == ["a", "a9", "a10", "b"]
    assert util.flatten([[1, 2], 3, [4, [5]]]) == [1, 2, 3, 4, 5]
    assert util.flatten([(1, 2), 3]) == [(1, 2), 3]
    assert util.flatten("a") == "a"
    assert list(util.flattened_iterator([[1, 2], (3, 4)])) == [1, 2, 3, 4]
    assert (util.makeList(None), util.makeList("a"), util.makeList(("a",))) == ([], ["a"], ["a"])
    assert util.join_list(["a", b"b"]) == "a b" and util.join_list("a") == "a"
    assert util.diffSets({1, 2}, {2, 3}) == ({1}, {3})
    assert util.dictionary_merge({"a": {"x": 1}}, {"a": {"y": 2}}) == {"a": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            "git@github.com:x/y.git",
            GitUrl("ssh", "git", None, "github.com", None, "x", "y"),
        ),
        (
            "https://u:p@github.com:80/a/b/y",
            GitUrl("https", "u", "p", "github.com", 80, "a/b", "y"),
        ),
        ("ssh://git@github.com/x/y", GitUrl("ssh", "git", None, "github.com", None, "x", "y")),
        ("host.org:x/y", GitUrl("ssh", None, None, "host.org", None, "x", "y")),
        ("/local/path", None),
    ],
)
def test_git_urls_are_taken_apart(url, parts):
    assert util.giturlparse(url) == parts


def test_no_branch_is_no_name():
    assert not util.NotABranch
    assert repr(util.NotABranch) == "NotABranch"


def test_identifiers_are_checked_and_made():
    assert identifiers.isIdentifier(5, "a-b_1") and identifiers.isIdentifier(5, "é")
    for wrong in ("1a", "a b", "", "toolong", 5):
        assert not identifiers.isIdentifier(5, wrong)
    assert identifiers.forceIdentifier(5, "1 a/b") == "__a_b"
    assert identifiers.forceIdentifier(3, "abcdef") == "abc"
    assert identifiers.incrementIdentifier(10, "abc") == "abc_2"
    assert identifiers.incrementIdentifier(5, "abc_9") == "ab_10"


async def test_a_notifier_tells_all_who_wait_once():
    notifier = util.Notifier()
    first, second = notifier.wait(), notifier.wait()

    assert notifier
    notifier.notify(5)

    assert not notifier
    assert [first.result, second.result] == [5, 5]
    third = notifier.wait()
    notifier.notify(Failure(ValueError("x")))
    with pytest.raises(ValueError, match="x"):
        await bridge.inward(lambda: third)


async def test_a_function_runs_while_its_lock_is_held():
    order = []

    class Thing:
        def __init__(self):
            self.lock = defer.DeferredLock()

        @util.deferredLocked("lock")
        def work(self, name, gate):
            order.append(name)
            return gate

    thing, gate = Thing(), defer.Deferred()
    thing.work("first", gate)
    thing.work("second", None)
    assert order == ["first"]

    gate.callback(None)

    assert order == ["first", "second"]


def test_a_deprecation_is_told_at_the_caller_s_line():
    with pytest.warns(DeprecatedApiWarning, match="4.0 and later") as caught:
        warn_deprecated("4.0", "use something else")

    assert caught[0].filename == __file__
