"""Pictures of people: who is asked, what is shown, and what is kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from web_site import Site, visited, with_web

from buildbot._host.views.engine_access import EngineAccess
from buildbot.plugins import util
from buildbot.www import resource
from buildbot.www.avatar import AvatarBase, Finder
from chargehand.config.avatars import AvatarMethod, Elsewhere, Picture, Portrait
from chargehand.config.errors import ConfigErrors
from chargehand.web.plugins import avatars

_PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


class _Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def timestamp(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Source:
    """A method that has some pictures, and notes who is asked for."""

    def __init__(self, *found: Portrait | Exception | None) -> None:
        self._found = found
        self.asked: list[tuple[str, str, int]] = []

    async def find(self, email: str, username: str, size: int) -> Portrait | None:
        self.asked.append((email, username, size))
        found = self._found[min(len(self.asked), len(self._found)) - 1]
        if isinstance(found, Exception):
            raise found
        return found


def _methods(*sources: Source) -> Any:
    found = [AvatarMethod(name=f"m{n}", find=source.find) for n, source in enumerate(sources)]
    return with_web(avatars=tuple(found))


async def _get(site: Site, query: str, base: str = "") -> tuple[int, str, bytes]:
    async with site.session.get(f"{base}/avatar{query}") as answer:
        return answer.status, answer.content_type, await answer.read()


async def test_without_methods_a_letter_is_drawn_and_nobody_is_asked() -> None:
    async with visited() as site:
        status, kind, body = await _get(site, "?email=ann@example.org&size=64")
        assert (status, kind) == (200, "image/svg+xml")
        assert b'width="64"' in body
        assert b">A</text>" in body
        assert (await _get(site, "?email=ann@example.org&size=64", "/stock"))[2] == body
        assert b">B</text>" in (await _get(site, "?username=bob"))[2]
        assert b">?</text>" in (await _get(site, ""))[2]
        assert (await _get(site, "?username=%3Cscript%3E"))[2].count(b"<script") == 0


async def test_the_first_method_that_has_a_picture_is_enough() -> None:
    nobody, somebody, other = Source(None), Source(Picture("image/png", _PNG)), Source(None)
    async with visited(_methods(nobody, somebody, other)) as site:
        query = "?email=Ann@Example.org&username=ann&size=60"
        assert await _get(site, query) == (200, "image/png", _PNG)
        assert somebody.asked == [("ann@example.org", "ann", 64)]
        assert len(nobody.asked) == 1
        assert other.asked == []
        async with site.session.get("/config") as answer:
            assert (await answer.json())["avatar_methods"] == [
                {"name": "m0"},
                {"name": "m1"},
                {"name": "m2"},
            ]


async def test_what_was_found_is_kept_for_a_day_and_failures_for_minutes() -> None:
    clock = _Clock()
    source = Source(OSError("no network"), Picture("image/png", _PNG))
    async with visited(_methods(source), clock=clock) as site:
        for _ in range(3):
            assert (await _get(site, "?email=a@b.c"))[1] == "image/svg+xml"
        assert len(source.asked) == 1
        clock.now += 601
        for _ in range(3):
            assert (await _get(site, "?email=a@b.c"))[1] == "image/png"
        assert len(source.asked) == 2
        clock.now += 25 * 3600
        await _get(site, "?email=a@b.c")
        assert len(source.asked) == 3


async def test_who_asks_at_once_waits_for_one_question_and_many_are_not_asked() -> None:
    go = asyncio.Event()
    asked: list[str] = []

    async def find(email: str, username: str, size: int) -> Portrait | None:
        asked.append(email)
        await go.wait()
        return Picture("image/png", _PNG)

    config = with_web(avatars=(AvatarMethod(name="slow", find=find),))
    async with visited(config) as site:
        same = [asyncio.create_task(_get(site, "?email=a@b.c")) for _ in range(5)]
        others = [asyncio.create_task(_get(site, f"?email={n}@b.c")) for n in range(20)]
        done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 13:
            done, _ = await asyncio.wait(others, timeout=0.05)
        go.set()
        assert {(await one)[1] for one in same} == {"image/png"}
        kinds = [(await one)[1] for one in others]
        assert kinds.count("image/png") == 7
        assert len(asked) == len(set(asked)) == 8


@pytest.mark.parametrize(
    "found",
    [
        Picture("text/html", b"<script>alert(1)</script>"),
        Picture("image/svg+xml", b"<svg><script>alert(1)</script></svg>"),
        Picture("image/png", b"<script>alert(1)</script>"),
        Picture("image/png", _PNG + b"x" * 300_000),
        Elsewhere("file:///etc/passwd"),
        Elsewhere("//example.org/x.png"),
        ValueError("a fault"),
    ],
)
async def test_what_is_no_picture_is_not_shown(
    found: Portrait | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with visited(_methods(Source(found))) as site:
        status, kind, body = await _get(site, "?email=a@b.c")
    assert (status, kind) == (200, "image/svg+xml")
    assert b"alert" not in body
    assert "no picture of 'a@b.c'" in caplog.text


async def test_one_that_fails_does_not_keep_others_from_being_asked() -> None:
    good = Source(Picture("image/png", _PNG))
    async with visited(_methods(Source(ValueError("a fault")), good)) as site:
        assert (await _get(site, "?email=a@b.c"))[1] == "image/png"


async def test_one_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avatars, "_SECONDS", 0.1)

    async def find(email: str, username: str, size: int) -> Portrait | None:
        await asyncio.Event().wait()
        return None

    async with visited(with_web(avatars=(AvatarMethod(name="hangs", find=find),))) as site:
        assert (await _get(site, "?email=a@b.c"))[1] == "image/svg+xml"


@pytest.mark.parametrize("query", ["?email=" + "a" * 300, "?username=" + "a" * 300])
async def test_absurd_names_are_refused(query: str) -> None:
    source = Source(None)
    async with visited(_methods(source)) as site:
        assert (await _get(site, query))[0] == 400
        assert (await _get(site, "?email=%00a&size=99999999999999"))[0] == 200
        async with site.session.post("/avatar?email=a") as answer:
            assert answer.status == 405
    assert source.asked == []


Served = tuple[str, list[str]]


@pytest.fixture
async def elsewhere() -> AsyncIterator[Served]:
    """A site with pictures, and an API as GitHub documents it; and what it was asked."""
    asked: list[str] = []

    async def picture(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(body=_PNG, content_type="image/png")

    async def large(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "image/png"})
        await answer.prepare(request)
        for _ in range(100):
            await answer.write(_PNG * 1000)
        return answer

    async def around(request: web.Request) -> web.Response:
        raise web.HTTPFound("/around")

    async def user(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        if request.match_info["name"] != "octo cat":
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response({"avatar_url": f"{_origin(request)}/picture?v=4"})

    async def users(request: web.Request) -> web.Response:
        found = {"ann@example.org in:email": [{"avatar_url": f"{_origin(request)}/ann"}]}
        return web.json_response({"items": found.get(request.query["q"], [])})

    async def commits(request: web.Request) -> web.Response:
        author = {"avatar_url": f"{_origin(request)}/bob"}
        found = {"author-email:bob@example.org": [{"author": author}]}
        return web.json_response({"items": found.get(request.query["q"], [{"author": None}])})

    async def members(request: web.Request) -> web.Response:
        asked.append(request.headers.get("PRIVATE-TOKEN", ""))
        known = {"octo cat": f"{_origin(request)}/picture", "without": None}
        name = request.query["username"]
        return web.json_response([{"avatar_url": known[name]}] if name in known else [])

    async def of_address(request: web.Request) -> web.Response:
        known = {"ann@example.org": "/ann"}
        return web.json_response({"avatar_url": known.get(request.query["email"])})

    app = web.Application()
    app.router.add_get("/api/v4/users", members)
    app.router.add_get("/api/v4/avatar", of_address)
    for path in ("/picture", "/ann", "/bob"):
        app.router.add_get(path, picture)
    app.router.add_get("/large", large)
    app.router.add_get("/around", around)
    app.router.add_get("/users/{name}", user)
    app.router.add_get("/search/users", users)
    app.router.add_get("/search/commits", commits)
    runner = web.AppRunner(app)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", asked
    await runner.cleanup()


def _origin(request: web.Request) -> str:
    return f"http://{request.host}"


async def test_a_picture_elsewhere_is_fetched_by_the_master(elsewhere: Served) -> None:
    url, asked = elsewhere
    async with visited(_methods(Source(Elsewhere(f"{url}/picture?s=32")))) as site:
        assert await _get(site, "?email=a@b.c") == (200, "image/png", _PNG)
        assert await _get(site, "?email=a@b.c") == (200, "image/png", _PNG)
    assert asked == ["/picture?s=32"]


@pytest.mark.parametrize("path", ["large", "around", "missing"])
async def test_what_is_elsewhere_has_limits(elsewhere: Served, path: str) -> None:
    async with visited(_methods(Source(Elsewhere(f"{elsewhere[0]}/{path}")))) as site:
        assert (await _get(site, "?email=a@b.c"))[:2] == (200, "image/svg+xml")


def _find(method: AvatarBase) -> Callable[[str, str, int], Any]:
    return Finder(method, EngineAccess())


async def test_gravatar_learns_a_checksum() -> None:
    found = await _find(util.AvatarGravatar())("ann@example.org", "ann", 64)
    digest = hashlib.md5(b"ann@example.org", usedforsecurity=False).hexdigest()
    assert found == Elsewhere(f"https://www.gravatar.com/avatar/{digest}?d=retro&s=64")
    assert await _find(util.AvatarGravatar())("", "ann", 64) is None


@pytest.mark.parametrize(
    ("email", "username", "path"),
    [
        ("", "octo cat", "/picture?v=4&s=48"),
        ("ann@example.org", "", "/ann?s=48"),
        ("ann@example.org", "nobody", "/ann?s=48"),
        ("bob@example.org", "", "/bob?s=48"),
        ("nobody@example.org", "nobody", None),
    ],
)
async def test_github_is_asked_by_name_address_and_commits(
    elsewhere: Served, email: str, username: str, path: str | None
) -> None:
    url, asked = elsewhere
    method = util.AvatarGitHub(github_api_endpoint=f"{url}/", token="abc")
    found = await _find(method)(email, username, 48)
    assert found == (None if path is None else Elsewhere(f"{url}{path}"))
    assert asked == (["token abc"] if username else [])


@pytest.mark.parametrize(
    ("email", "username", "path"),
    [
        ("", "octo cat", "/picture"),
        ("ann@example.org", "", "/ann"),
        ("ann@example.org", "nobody", "/ann"),
        ("ann@example.org", "without", "/ann"),
        ("nobody@example.org", "nobody", None),
    ],
)
async def test_gitlab_is_asked_by_name_and_address(
    elsewhere: Served, email: str, username: str, path: str | None
) -> None:
    url, asked = elsewhere
    found = await _find(util.AvatarGitLab(url=f"{url}/", token="abc"))(email, username, 48)
    assert found == (None if path is None else Elsewhere(f"{url}{path}"))
    assert asked == (["abc"] if username else [])


async def test_github_knows_an_application_by_its_secret(elsewhere: Served) -> None:
    url, asked = elsewhere
    method = util.AvatarGitHub(github_api_endpoint=url, client_id="id", client_secret="s")
    await _find(method)("", "octo cat", 48)
    assert asked == ["Basic aWQ6cw=="]
    with pytest.raises(ConfigErrors, match="belong together"):
        util.AvatarGitHub(client_id="id")


class Own(AvatarBase):
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def getUserAvatar(
        self, email: bytes, username: bytes | None, size: int, defaultAvatarUrl: str
    ) -> Any:
        assert (email, username, size) == (b"a@b.c", None, 32)
        return self.answer() if callable(self.answer) else self.answer


def _redirects() -> None:
    raise resource.Redirect(b"https://example.org/x.png")


async def _later() -> tuple[bytes, bytes]:
    return b"image/png", _PNG


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((b"image/png", _PNG), Picture("image/png", _PNG)),
        (_later, Picture("image/png", _PNG)),
        (None, None),
        (_redirects, Elsewhere("https://example.org/x.png")),
    ],
)
async def test_methods_of_users_answer_as_in_buildbot(answer: Any, found: Portrait | None) -> None:
    assert await _find(Own(answer))("a@b.c", "", 32) == found


async def test_a_wrong_answer_is_said() -> None:
    with pytest.raises(TypeError, match="getUserAvatar of Own must return"):
        await _find(Own("picture.png"))("a@b.c", "", 32)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("[]", []),
        ("util.AvatarGravatar()", ["gravatar"]),
        ("[util.AvatarGitHub(), util.AvatarGravatar()]", ["github", "gravatar"]),
        ("[util.AvatarGitLab(url='https://git.example.org')]", ["gitlab"]),
    ],
)
def test_methods_are_configured(tmp_path: Path, value: str, names: list[str]) -> None:
    config = _read(tmp_path, value)
    assert [one.name for one in config.web.avatars] == names
    assert config.warnings == ()


def test_a_changed_method_is_a_change(tmp_path: Path) -> None:
    web = _read(tmp_path, "[util.AvatarGitHub(token='a')]").web
    assert web == _read(tmp_path, "[util.AvatarGitHub(token='a')]").web
    assert web != _read(tmp_path, "[util.AvatarGitHub(token='b')]").web


def test_what_is_no_method_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"avatar_methods'\] must be a list of"):
        _read(tmp_path, "['gravatar']")


def _read(directory: Path, value: str) -> Any:
    from buildbot._host.reading.configuration import Reader
    from buildbot._host.reading.document import Document

    path = directory / "master.cfg"
    path.write_text(
        "from buildbot.plugins import *\nc = BuildmasterConfig = {}\n"
        "c['workers'] = [worker.LocalWorker('local')]\n"
        "c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], "
        "factory=util.BuildFactory())]\n"
        "c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]\n"
        f"c['www'] = {{'port': 8010, 'avatar_methods': {value}}}\n"
    )
    return Reader(Document(path, directory), EngineAccess()).read()
