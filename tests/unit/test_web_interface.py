"""The application's page and files, as browsers get them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from web_site import visited

from chargehand.web.interface import PAGE, Interface
from chargehand.web.rest.reading import NotFound

ROUTES = Path(__file__).parents[2] / "web/src/app/routes.tsx"
DOCUMENT = '<!doctype html><base href="/" /><script src="./assets/main-1.js"></script>'
SCRIPT = b"export const greeting = 'hello';" * 50


@pytest.fixture
def built(tmp_path: Path) -> Interface:
    """An application of one page and one script."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(DOCUMENT)
    (tmp_path / "assets/main-1.js").write_bytes(SCRIPT)
    (tmp_path / "assets/main-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets/main-1.js.br").write_bytes(b"as brotli has it")
    return Interface(tmp_path)


def _request(path: str, **headers: str) -> web.Request:
    return make_mocked_request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def _body(answer: web.StreamResponse) -> bytes:
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    return answer.body


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/", "./"),
        ("/builders", "./"),
        ("/builders/3", "../"),
        ("/builders/3/builds/7?x=/", "../../../"),
    ],
)
def test_the_page_finds_its_files_from_every_path(built: Interface, path: str, base: str):
    answer = built.page(_request(path))

    assert f'<base href="{base}" />'.encode() in _body(answer)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = built.page(_request(path, If_None_Match=answer.headers["ETag"]))
    assert again.status == 304


def test_no_script_but_the_files_runs_in_the_page(built: Interface):
    policy = built.page(_request("/")).headers["Content-Security-Policy"]

    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["script-src"] == "'self'"
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"


def test_files_are_kept_for_good_and_compressed_as_the_client_likes(built: Interface):
    path = "/assets/main-1.js"

    plain = built.file(_request(path))
    zipped = built.file(_request(path, Accept_Encoding="gzip, deflate"))
    newest = built.file(_request(path, Accept_Encoding="gzip;q=0.5, br"))
    refused = built.file(_request(path, Accept_Encoding="br;q=0, gzip; q=0"))

    assert "immutable" in plain.headers["Cache-Control"]
    assert plain.headers["Content-Type"].startswith("text/javascript")
    assert _body(plain) == _body(refused) == SCRIPT
    assert gzip.decompress(_body(zipped)) == SCRIPT
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert (newest.headers["Content-Encoding"], _body(newest)) == ("br", b"as brotli has it")


@pytest.mark.parametrize("name", ["other.js", "main-1.js.gz", "../index.html", "%2e%2e/index.html"])
def test_nothing_else_is_a_file(built: Interface, name: str):
    with pytest.raises(NotFound):
        built.file(_request(f"/assets/{name}"))


def test_the_server_knows_every_page_of_the_application():
    paths = re.findall(r"^  path: '(/[^']*)'", ROUTES.read_text(), re.MULTILINE)

    assert len(paths) > 5
    assert [path for path in paths if PAGE.match(path) is None] == []


async def test_paths_that_are_no_pages_do_not_exist():
    async with visited() as site:
        for path in ("/favicon.ico", "/wp-login.php", "/.git/config"):
            async with site.session.get(path) as answer:
                assert answer.status == 404


async def test_search_engines_are_asked_to_leave_out_what_the_pages_show():
    async with visited() as site, site.session.get("/robots.txt") as answer:
        assert answer.status == 200
        assert {"Disallow: /api/", "Disallow: /plain/"} < set((await answer.text()).splitlines())


async def test_without_the_application_the_plain_pages_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    empty = Interface(tmp_path)
    monkeypatch.setattr("chargehand.web.site_pages.Interface", lambda: empty)
    async with visited() as site:
        async with site.session.get("/builders/1", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "../plain/builders/1")
        async with site.session.get("/") as answer:
            assert answer.url.path == "/plain/"
            assert answer.status == 200
