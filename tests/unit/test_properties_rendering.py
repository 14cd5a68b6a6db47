"""Properties, and values that depend on them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import defer
from zope.interface import implementer

from buildbot._border import bridge
from buildbot.interfaces import IProperties, IRenderable
from buildbot.process.properties import (
    FlattenList,
    Interpolate,
    Properties,
    PropertiesMixin,
    Property,
    Secret,
    Transform,
    URLForBuild,
    WithProperties,
    render_value,
    renderer,
)
from chargehand.config.errors import ConfigErrors


@pytest.fixture(autouse=True)
async def _bridge():
    bridge.install(asyncio.get_running_loop())


async def _outcome(deferred):
    return await bridge.inward(lambda: deferred)


@pytest.fixture
def properties():
    values = {"b": "x", "none": None, "f": False, "zero": 0, "lst": ["p", "q"], "d": {"a": 1}}
    found = Properties()
    found.update(values, "test")
    found.sourcestamps = [
        {"codebase": "", "branch": "main", "revision": None, "repository": "git:r", "project": "p"}
    ]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 100%%", "plain 100%"),
        ("%(prop:b)s", "x"),
        ("%(prop:zz)s|", "|"),
        ("%(prop:none)s|", "|"),
        ("%(prop:none:-q)s", ""),
        ("%(prop:none:+q)s", "q"),
        ("%(prop:f:-q)s", "False"),
        ("%(prop:f:~q)s", "q"),
        ("%(prop:zero:#?|T|F)s", "F"),
        ("%(prop:zero:?|T|F)s", "T"),
        ("%(prop:lst:#?|yes|no)s", "yes"),
        ("%(prop:b:?:a:b)s %(prop:b:?|a|b|c)s", "a a"),
        ("%(prop:zz:-%(prop:zy:-%(kw:k)s)s)s", "kk"),
        ("%(prop:zz:?|a|%(prop:b:#?|1|2)s)s", "1"),
        ("%(kw:zz)s|%(kw:n)s|%(kw:n:-d)s|%(kw:n:~d)s", "|||d"),
        ("%(kw:zz:?|a|b)s %(kw:n:?|a|b)s", "b a"),
        ("%(kw:p)s", "['p', 'q']"),
        ("%(prop:d)s %(prop:lst)s", "{'a': 1} ['p', 'q']"),
        ("%(src::branch)s %(src::revision)s| %(src::revision:-x)s|", "main | |"),
        ("%(src::revision:~HEAD)s", "HEAD"),
        ("%(src:nope:branch:-x)s %(src:nope:branch)s|", "x |"),
        ("%(src::zzz)s|", "|"),
    ],
)
async def test_interpolate_renders_as_buildbot_does(properties, text, expected):
    value = Interpolate(text, k="kk", n=None, p=Property("lst"))

    assert await render_value(value, properties) == expected


async def test_interpolate_takes_positional_renderables(properties):
    value = Interpolate("%s-%s %s", Property("b"), None, 5)

    assert await render_value(value, properties) == "x-None 5"


async def test_interpolate_tells_about_the_worker(properties):
    information = Properties(version="4.3.0")
    properties.build = SimpleNamespace(
        getWorkerInfo=lambda: information, getSourceStamp=lambda codebase: None
    )

    value = Interpolate("%(worker:version)s|%(worker:zz)s|%(src::branch)s")

    assert await render_value(value, properties) == "4.3.0||"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%(foo:x)s", "invalid Interpolate selector 'foo'"),
        ("%(prop)s", "invalid Interpolate substitution without selector 'prop'"),
        ("%(prop:x y)s", "Property name must be alphanumeric for prop Interpolation 'x y'"),
        ("%(src:a)s", "Must specify both codebase and attribute for src Interpolation 'a'"),
        ("%(src:x y:a)s", "Codebase must be alphanumeric for src Interpolation 'x y'"),
        ("%(prop:x:foo)s", "invalid Interpolate default type 'f'"),
        ("%(prop:x:?)s", "invalid Interpolate ternary expression '' with delimiter ''"),
        ("%(prop:x:?|a)s", "invalid Interpolate ternary expression 'a' with delimiter '|'"),
        ("%(prop:x:-%(foo:y)s)s", "invalid Interpolate selector 'foo'"),
    ],
)
def test_interpolate_says_at_once_what_is_wrong(text, message):
    with pytest.raises(ConfigErrors) as raised:
        Interpolate(text)

    assert raised.value.errors[0].message == message


@pytest.mark.parametrize("text", ["50%", "%(prop:x)", "%(prop:x", "%(prop:x)d"])
def test_interpolate_refuses_broken_formats(text):
    with pytest.raises((ValueError, TypeError)):
        Interpolate(text)


@given(st.text())
async def test_interpolate_keeps_text_without_substitutions(text):
    escaped = text.replace("%", "%%")

    assert await render_value(Interpolate(escaped), Properties()) == text


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="%()|")))
async def test_interpolate_shows_any_value_and_any_default(value, default):
    properties = Properties(a=value)

    shown = Interpolate(f"%(prop:a)s|%(prop:b:-{default})s|%(prop:b:?|x|{default})s")

    assert await render_value(shown, properties) == f"{value}|{default}|{default}"


def test_interpolate_takes_positional_or_keyword_arguments_only():
    with pytest.raises(ConfigErrors, match="either positional or keyword"):
        Interpolate("%(kw:a)s", 5, a=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Property("zero"), None),
        (Property("zero", default="d"), "d"),
        (Property("zero", default="d", defaultWhenFalse=False), 0),
        (Property("none", default="d", defaultWhenFalse=False), None),
        (Property("zz", default=Property("b")), "x"),
        (Property("zz"), None),
        ([Property("b"), ("t", Property("lst"))], ["x", ("t", ["p", "q"])]),
        ({"k": Property("b"), ("t",): [Property("b")]}, {"k": "x", ("t",): ["x"]}),
        (Property("b") + "x", "xx"),
        (Property("lst") + list("r"), ["p", "q", "r"]),
        (Property("b") == "x", True),
        (Property("b") != "x", False),
        (Property("b").in_(["x"]), True),
        ((Property("b") + "y") == Interpolate("%(prop:b)sy"), True),
        (Transform(lambda *a, **k: (a, k), Property("b"), k=Property("b")), (("x",), {"k": "x"})),
        (FlattenList([Property("lst"), ["a", ["b"]], "c"]), ["p", "q", "a", "b", "c"]),
        (FlattenList([["a"]]) + list("b"), ["a", "b"]),
        (
            WithProperties("%(b)s|%(zz:-d)s|%(f:~d)s|%(f:-d)s|%(b:+y)s|%(zz:+y)s|"),
            "x|d|d|False|y||",
        ),
        (WithProperties("%s %s", "b", "zero"), "x 0"),
        (WithProperties("%(x)s", x=lambda p: p.getProperty("b")), "x"),
    ],
)
async def test_renderables_render_as_buildbot_does(properties, value, expected):
    assert await render_value(value, properties) == expected


async def test_withproperties_says_which_property_is_missing(properties):
    with pytest.raises(KeyError, match="zz"):
        await render_value(WithProperties("%(zz)s"), properties)


def test_withproperties_checks_its_arguments():
    with pytest.raises(ValueError, match="not both"):
        WithProperties("%s", "a", b=lambda p: 1)
    with pytest.raises(ValueError, match="must be callable"):
        WithProperties("%(a)s", a=5)


@renderer
def _plain(props):
    return props.getProperty("b")


@renderer
async def _coroutine(props):
    await asyncio.sleep(0)
    return await props.render(Property("b"))


@renderer
@defer.inlineCallbacks
def _generator(props):
    found = yield props.render(Interpolate("%(prop:b)s"))
    return found


@renderer
def _deferred(props):
    return defer.succeed(props.getProperty("b"))


@renderer
def _renderable(props):
    return Property("b")


@pytest.mark.parametrize("value", [_plain, _coroutine, _generator, _deferred, _renderable])
async def test_a_renderer_may_be_written_in_any_style(properties, value):
    assert await render_value([value], properties) == ["x"]


async def test_a_renderer_takes_rendered_arguments(properties):
    value = renderer(lambda props, *args, **kwargs: (args, kwargs))

    found = value.withArgs(Property("b")).withArgs(2, k=[Property("b")])

    assert await render_value(found, properties) == (("x", 2), {"k": ["x"]})


async def test_an_error_in_a_renderer_reaches_whoever_renders(properties):
    @renderer
    def broken(props):
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await render_value({"a": broken}, properties)


@implementer(IRenderable)
class _Users:
    def getRenderingFor(self, props):
        return props.render(Property("b"))


class _Loud(Interpolate):
    @defer.inlineCallbacks
    def getRenderingFor(self, props):
        text = yield super().getRenderingFor(props)
        return text.upper()


@pytest.mark.parametrize(("value", "expected"), [(_Users(), "x"), (_Loud("%(prop:b)s"), "X")])
async def test_renderables_of_users_are_asked(properties, value, expected):
    assert await render_value([value], properties) == [expected]
    assert await _outcome(properties.render((value,))) == (expected,)


@pytest.mark.parametrize("value", [Property("b"), Interpolate("x"), _Users(), _plain])
def test_renderables_provide_the_interface(value):
    assert IRenderable.providedBy(value)
    assert IRenderable(value) is value


async def test_lists_and_dictionaries_adapt_to_renderables(properties):
    adapted = IRenderable([Property("b")])

    assert await _outcome(adapted.getRenderingFor(properties)) == ["x"]
    assert IRenderable("text", None) is None


async def test_rendering_a_constant_needs_no_loop_turn(properties):
    deferred = properties.render(["make", {"a": 1}])

    assert deferred.called
    assert await _outcome(deferred) == ["make", {"a": 1}]


async def test_a_secret_is_asked_for_by_name_and_cleaned_from_texts(properties):
    class Secrets:
        async def get(self, name):
            return SimpleNamespace(value="hunter2") if name == "pw" else None

    properties.master = SimpleNamespace(namedServices={"secrets": Secrets()})

    assert await render_value(Interpolate("-p%(secret:pw)s"), properties) == "-phunter2"
    assert await render_value(Secret("pw"), properties) == "hunter2"
    assert properties.cleanupTextFromSecrets("echo hunter2") == "echo <pw>"
    with pytest.raises(KeyError, match="other"):
        await render_value(Secret("other"), properties)


async def test_the_address_of_a_build_can_be_rendered(properties):
    properties.build = SimpleNamespace(
        number=7,
        builder=SimpleNamespace(builderid=3),
        master=SimpleNamespace(config=SimpleNamespace(buildbotURL="http://h/")),
    )

    assert await render_value(URLForBuild, properties) == "http://h/#/builders/3/builds/7"


def test_properties_keep_values_with_their_sources():
    properties = Properties.fromDict({"a": (1, "s")})
    properties.setProperty("c", [1], "t")
    properties.update({"d": None}, "u", runtime=True)

    assert properties.asList() == [("a", 1, "s"), ("c", [1], "t"), ("d", None, "u")]
    assert properties.asDict()["a"] == (1, "s")
    assert (properties["a"], "a" in properties, "z" in properties) == (1, True, False)
    assert (properties.getProperty("z"), properties.getProperty("z", 5)) == (None, 5)
    assert properties.getProperty("d", 5) is None
    assert properties.hasProperty("d") and properties.has_key("a")
    assert properties.getPropertySource("c") == "t"
    assert IProperties.providedBy(properties)
    assert repr(Properties(a=1)) == "Properties(**{'a': 1})"
    assert Properties(a=1) == Properties(a=1)
    with pytest.raises(KeyError):
        properties["z"]


def test_properties_of_a_finished_build_leave_what_it_set_behind():
    first, second = Properties(a=1), Properties()
    first.setProperty("b", 2, "Step", runtime=True)

    second.updateFromPropertiesNoRuntime(first)

    assert second.asDict() == {"a": (1, "TEST")}


@pytest.mark.parametrize("value", [object(), b"bytes", {"a": object()}])
def test_a_property_must_be_json(value):
    with pytest.raises(TypeError):
        Properties().setProperty("a", value, "s")


def test_a_property_may_be_renderable():
    properties = Properties()

    properties.setProperty("a", Interpolate("%(prop:b)s"), "s")

    assert properties.hasProperty("a")


async def test_files_are_those_of_all_changes():
    properties = Properties()
    properties.changes = [{"files": ["a", "b"]}, {"files": ["b", "c"]}]

    assert properties.files == ["a", "b", "c"]


async def test_the_mixin_gives_an_object_properties(properties):
    class Thing(PropertiesMixin):
        set_runtime_properties = True

    thing = Thing()
    thing.properties = properties

    thing.setProperty("new", 1, "Thing")

    assert thing.getProperty("new") == 1
    assert thing.hasProperty("new") and not thing.hasProperty("zz")
    assert "new" in properties.runtime
    assert await _outcome(thing.render([Property("b")])) == ["x"]
