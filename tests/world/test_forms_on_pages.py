"""The page with a builder's forms asks for every kind of parameter, as a browser would answer."""

from __future__ import annotations

from html.parser import HTMLParser

from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import Json, World

_FORM = """
class Branches(util.ChoiceStringParameter):
    async def getChoices(self, master, scheduler, buildername):
        return [f'{buildername}-{name}' for name in ('one', 'two')]

add('b', sh('true'))
add('other', sh('true'))
c['schedulers'].append(schedulers.ForceScheduler(
    name='asks', builderNames=['b', 'other'], buttonName='Build it', label='Ask "everything"',
    username=util.UserNameParameter(need_email=False),
    reason=util.StringParameter('reason', label='Why:', default='because <b>'),
    codebases=[util.CodebaseParameter('', branch=Branches('branch', default='b-two', strict=True),
                                      patch=util.PatchParameter())],
    properties=[
        util.BooleanParameter('on', default=True), util.BooleanParameter('off'),
        util.IntParameter('number', default=7),
        util.TextParameter('text', default='first\\n\\nlast'),
        util.FixedParameter('fixed', default='f'),
        util.StringParameter('hidden', default='h', hide=True),
        Branches('several', multiple=True, default=['b-one', 'b-two']),
        util.ChoiceStringParameter('free', choices=['x'], default='y', strict=False),
        util.WorkerChoiceParameter(),
        util.FileParameter('file'),
        util.NestedParameter(name='nest', label='A nest', fields=[
            util.StringParameter('inner', default='i')]),
        util.AnyPropertyParameter('any'),
    ]))
"""


class _Page(HTMLParser):
    """Fills a form in as ``live.js`` does when nothing is changed in it."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form
        self._is_inside = False
        self._select: tuple[str, bool] | None = None
        self._option: list[str] | None = None
        self._chosen: list[str] = []
        self._all: list[str] = []
        self._textarea: tuple[str, list[str]] | None = None
        self.answers: dict[str, Json] = {}
        self.choices: dict[str, list[str]] = {}
        self.path = ""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = dict(given)
        if tag == "form":
            self._is_inside = attributes.get("id") == f"form-{self._form}"
            self.path = str(attributes["data-path"]) if self._is_inside else self.path
        name = attributes.get("data-answer")
        if tag == "option":
            self._option = []
            self._all.append("")
            if "selected" in attributes:
                self._chosen.append(str(len(self._all) - 1))
        if tag == "datalist":
            self._select, self._chosen, self._all = None, [], []
        if not self._is_inside or name is None:
            return
        if tag == "select":
            self._select, self._chosen, self._all = (name, "multiple" in attributes), [], []
        elif tag == "textarea":
            self._textarea = name, []
        elif attributes.get("type") == "checkbox":
            self.answers[name] = "checked" in attributes
        else:
            self.answers[name] = attributes.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._option is not None:
            self._all[-1] += data
        if self._textarea is not None:
            self._textarea[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        if tag == "option":
            self._option = None
        if tag == "textarea" and self._textarea is not None:
            name, texts = self._textarea
            self.answers[name] = "".join(texts).removeprefix("\n")
            self._textarea = None
        if tag == "select" and self._select is not None:
            name, is_multiple = self._select
            chosen = [self._all[int(index)] for index in self._chosen]
            self.choices[name] = self._all
            self.answers[name] = [*chosen] if is_multiple else (chosen or self._all or [""])[0]
            self._select = None


async def _form(ci: World, builder: str) -> _Page:
    found = await ci.one(f"builders/{builder}")
    text = (await ci.fetch(f"plain/builders/{found['builderid']}/forceschedulers")).decode()
    page = _Page("asks")
    page.feed(text)
    assert "Ask &#34;everything&#34;" in text
    assert "because &lt;b&gt;" in text
    return page


async def test_every_kind_of_parameter_is_asked_for_and_its_answer_counts() -> None:
    async with started(_FORM) as ci:
        page = await _form(ci, "b")

        assert page.choices["branch"] == ["b-one", "b-two"]
        assert page.choices["several"] == ["b-one", "b-two"]
        assert "fixed" not in page.answers and "hidden" not in page.answers
        answers = page.answers | {"patch_body": "--- a\n", "file": "content", "patch_level": "0"}
        answers |= {"any_name": "extra", "any_value": "e"}
        await ci.order(page.path, "force", builderNames=["b"], **answers)
        await ci.until_idle()

        build = ci.last_build("b")
        assert build.result is Result.SUCCESS
        properties = await ci.properties(build)
        values = {name: found[0] for name, found in properties.items() if isinstance(found, list)}
        expected: dict[str, Json] = {
            "on": True,
            "off": False,
            "number": 7,
            "text": "first\n\nlast",
            "fixed": "f",
            "hidden": "h",
            "several": ["b-one", "b-two"],
            "free": "y",
            "file": "content",
            "extra": "e",
            "branch": "b-two",
        }
        assert {name: values.get(name) for name in expected} == expected
        assert values["nest"] == {"inner": "i"}
        (buildset,) = await ci.get("buildsets")
        assert "because <b>" in str(buildset["reason"])
        assert "patch" in str(buildset["sourcestamps"])


async def test_choices_are_those_of_the_builder() -> None:
    async with started(_FORM) as ci:
        page = await _form(ci, "other")

        assert page.choices["branch"] == ["other-one", "other-two"]
        text = (await ci.fetch("plain/builders/1")).decode()
        assert 'href="../builders/1/forceschedulers"' in text
