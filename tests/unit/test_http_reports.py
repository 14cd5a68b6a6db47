"""Reports to web services, each to a real server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from waiting import PATIENCE

from buildbot._border.errors import collecting
from buildbot.plugins import reporters, util
from buildbot.process.properties import Properties
from buildbot.reporters.commit_status import commits_of
from buildbot.reporters.http_sending import Request, post
from buildbot.reporters.outbox import NotNow, Refused, Unavailable


class Service:
    """Keeps what is posted, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any, dict[str, str]]] = []
        self.status = 201
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append((request.raw_path, await request.json(), dict(request.headers)))
        return web.Response(status=self.status, text="said so")

    async def until(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.got) < number:
                await asyncio.sleep(0)


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    service = Service()
    application = web.Application()
    application.router.add_post("/{path:.*}", service.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, None), (204, None), (404, Refused), (422, Refused), (429, NotNow), (503, NotNow)],
)
async def test_an_answer_says_whether_to_try_again(
    status: int, expected: type[Exception] | None
) -> None:
    async with serving() as service:
        service.status = status
        request = Request(url=f"{service.url}/x", body={"at": datetime(1970, 1, 2, tzinfo=UTC)})
        if expected is None:
            await post(request)
        else:
            with pytest.raises(expected, match=f"/x answered {status} said so"):
                await post(request)

    assert service.got[0][1] == {"at": 86400}


@pytest.mark.parametrize(
    ("url", "body", "expected", "said"),
    [
        ("http://127.0.0.1:1/", {}, Unavailable, "127.0.0.1"),
        ("http://", {}, Refused, "is not a valid address"),
        ("http://127.0.0.1:1/", {"x": object()}, Refused, "the message cannot be written as JSON"),
        ("http://127.0.0.1:1/", {"x": float("nan")}, Refused, "cannot be written as JSON"),
    ],
)
async def test_what_cannot_be_sent_says_why(
    url: str, body: Any, expected: type[Exception], said: str
) -> None:
    with pytest.raises(expected, match=said):
        await post(Request(url=url, body=body))


def _build(**changes: Any) -> dict[str, Any]:
    stamp = {
        "codebase": "",
        "branch": "main",
        "revision": "abc",
        "project": "",
        "repository": "https://github.com/owner/repository.git",
        "patch": None,
    }
    return {
        "buildid": 7,
        "results": 2,
        "builder": {"name": "b"},
        "buildset": {"sourcestamps": [stamp | changes.pop("stamp", {})]},
        "properties": {"buildername": ("b", "Builder")} | changes.pop("properties", {}),
        "url": "http://ci.example.org/#/builders/1/builds/1",
        **changes,
    }


def _report(build: dict[str, Any], body: Any = "Build done.") -> list[dict[str, Any]]:
    return [{"body": body, "type": "plain", "results": build["results"], "builds": [build]}]


@asynccontextmanager
async def running(made: Any, **arguments: Any) -> AsyncIterator[Any]:
    """A reporter that is started, on a master without events."""
    loop = asyncio.get_running_loop()

    async def consume(callback: Any, keys: Any) -> Any:
        return SimpleNamespace(stopConsuming=lambda: None)

    made.master = SimpleNamespace(mq=SimpleNamespace(consume=consume), namedServices={}, unsent={})
    await made.configureService().asFuture(loop)
    await made.startService().asFuture(loop)
    try:
        yield made
    finally:
        await made.stopService().asFuture(loop)


async def _sent(reporter: Any, reports: list[dict[str, Any]]) -> None:
    found = reporter.sendMessage(reports)
    if found is not None:
        await found.asFuture(asyncio.get_running_loop())


@pytest.mark.filterwarnings("error::DeprecationWarning")
async def test_reports_are_pushed_as_json_in_order() -> None:
    async with serving() as service:
        made = reporters.HttpStatusPush(
            f"{service.url}/hook?a=1", auth=("user", "hush"), headers={"X-One": "1"}
        )
        async with running(made) as reporter:
            for number in range(3):
                await _sent(reporter, _report(_build(), {"number": number}))
            await service.until(3)

    assert [body for _, body, _ in service.got] == [{"number": 0}, {"number": 1}, {"number": 2}]
    path, _, headers = service.got[0]
    assert (path, headers["X-One"]) == ("/hook?a=1", "1")
    assert headers["Authorization"] == "Basic dXNlcjpodXNo"


async def test_json_that_a_template_made_is_not_encoded_again() -> None:
    async with serving() as service, running(reporters.HttpStatusPush(service.url)) as reporter:
        await _sent(reporter, [{**_report(_build(), '{"a": 1}')[0], "type": "json"}])
        await _sent(reporter, _report(_build(), "plain"))
        with pytest.raises(ValueError, match="produced invalid JSON"):
            await _sent(reporter, [{**_report(_build(), "{")[0], "type": "json"}])
        await service.until(2)

    assert [body for _, body, _ in service.got] == [{"a": 1}, "plain"]


@pytest.mark.parametrize(
    ("results", "github", "gitlab"),
    [
        (None, "pending", "running"),
        (0, "success", "success"),
        (1, "success", "success"),
        (2, "failure", "failed"),
        (3, "success", "success"),
        (4, "error", "failed"),
        (5, "pending", "pending"),
        (6, "error", "canceled"),
    ],
)
async def test_a_commit_gets_the_status_of_its_build(
    results: int | None, github: str, gitlab: str
) -> None:
    async with serving() as service:
        ones = (
            reporters.GitHubStatusPush("t", baseURL=service.url),
            reporters.GitLabStatusPush("t", baseURL=service.url, context="ci"),
        )
        for one in ones:
            async with running(one) as reporter:
                await _sent(reporter, _report(_build(results=results)))
                await service.until(1 + ones.index(one))

    (path, body, headers), (other_path, other, other_headers) = service.got
    assert path == "/repos/owner/repository/statuses/abc"
    assert body == {
        "state": github,
        "context": "buildbot/b",
        "description": "Build done.",
        "target_url": "http://ci.example.org/#/builders/1/builds/1",
    }
    assert headers["Authorization"] == "token t"
    assert other_path == "/api/v4/projects/owner%2Frepository/statuses/abc"
    assert (other["state"], other["name"], other["ref"]) == (gitlab, "ci", "main")
    assert other_headers["PRIVATE-TOKEN"] == "t"


async def test_a_pull_request_gets_a_comment() -> None:
    async with serving() as service:
        made = reporters.GitHubCommentPush("t", baseURL=service.url)
        async with running(made) as reporter:
            await _sent(reporter, _report(_build()))
            await _sent(reporter, _report(_build(stamp={"branch": "refs/pull/12/merge"})))
            await service.until(1)

    ((path, body, _),) = service.got
    assert path == "/repos/owner/repository/issues/12/comments"
    assert body == {"body": "Build done."}


async def test_a_subclass_may_set_the_status_in_its_own_way() -> None:
    class Mine(reporters.GitHubStatusPush):
        name = "Mine"

        def createStatus(self, repo_user: str, repo_name: str, sha: str, **told: Any) -> Any:
            path = f"/mine/{repo_user}/{repo_name}/{sha}"
            return self._http.post(path, json={"issue": told["issue"]})

    async with serving() as service, running(Mine("t", baseURL=service.url)) as reporter:
        await _sent(reporter, _report(_build()))

    ((path, body, headers),) = service.got
    assert (path, body) == ("/mine/owner/repository/abc", {"issue": None})
    assert headers["Authorization"] == "token t"


@pytest.mark.parametrize(
    ("stamp", "properties", "expected"),
    [
        ({}, {}, ("owner", "repository", "abc")),
        ({"project": "a/b"}, {}, ("a", "b", "abc")),
        ({"project": "a/b/c"}, {}, ("a/b", "c", "abc")),
        ({"repository": "git@host:x/y.git"}, {}, ("x", "y", "abc")),
        ({}, {"got_revision": ("def", "Git")}, ("owner", "repository", "def")),
        ({}, {"got_revision": ({"": "def"}, "Git")}, ("owner", "repository", "def")),
        (
            {"branch": "refs/pull/3/merge"},
            {"github.head.sha": ("123", "Change"), "got_revision": ("def", "Git")},
            ("owner", "repository", "123"),
        ),
        ({"revision": None}, {}, None),
        ({"repository": "", "project": "x"}, {}, None),
    ],
)
def test_the_commits_of_a_build_are_found(
    stamp: dict[str, Any], properties: dict[str, Any], expected: tuple[str, str, str] | None
) -> None:
    build = _build(stamp=stamp, properties=properties)

    found = list(
        commits_of(build["buildset"]["sourcestamps"], Properties.fromDict(build["properties"]))
    )

    assert [(one.owner, one.repository, one.revision) for one in found] == (
        [] if expected is None else [expected]
    )


@pytest.mark.parametrize(
    "stamp", [{"project": "../x"}, {"project": "a/.."}, {"revision": "a/../b"}, {"revision": ".."}]
)
async def test_a_name_that_leads_elsewhere_in_the_service_is_not_used(
    stamp: dict[str, Any],
) -> None:
    async with serving() as service:
        made = reporters.GitHubStatusPush("t", baseURL=service.url)
        async with running(made) as reporter:
            await _sent(reporter, _report(_build(stamp=stamp)))
            await _sent(reporter, _report(_build()))
            await service.until(1)

    assert [path for path, _, _ in service.got] == ["/repos/owner/repository/statuses/abc"]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: reporters.HttpStatusPush(), "serverUrl must be an address"),
        (lambda: reporters.HttpStatusPush(7), "serverUrl must be an address, not 7"),
        (lambda: reporters.HttpStatusPush("http://x", auth="u"), "auth must be (user, password)"),
        (lambda: reporters.HttpStatusPush("http://x", autth="u"), 'no argument "autth"'),
        (lambda: reporters.GitLabStatusPush("t", contxt="c"), 'no argument "contxt"'),
    ],
)
def test_a_mistake_is_one_of_the_configuration(make: Callable[[], Any], complaint: str) -> None:
    with collecting() as found:
        make()

    assert complaint in "\n".join(one.message for one in found.errors)


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (
            lambda: reporters.HttpStatusPush("http://x", format_fn=len, wantProperties=True),
            '"format_fn", "wantProperties" were removed',
        ),
        (
            lambda: reporters.GitHubStatusPush(
                util.Secret("t"), startDescription="s", builders=["b"]
            ),
            "start_formatter=reporters.MessageFormatterRenderable(...), builders=",
        ),
    ],
)
def test_old_arguments_work_with_a_warning(make: Callable[[], Any], advice: str) -> None:
    with collecting() as found:
        assert make() == make()

    assert not found.errors
    assert any(advice in one.message for one in found.warnings)


def test_a_token_must_be_given_and_an_empty_one_is_a_warning():
    with pytest.raises(TypeError, match="token"):
        reporters.GitHubStatusPush()
    with collecting() as found:
        reporters.GitHubStatusPush(token=None)

    assert found.errors == []
    assert [one.message for one in found.warnings] == [
        "GitHubStatusPush: token is empty, so its reports will be refused"
    ]
