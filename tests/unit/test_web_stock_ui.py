"""Buildbot's own user interface, served from the files of its package."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import yarl
from web_site import CONFIG, Site, visited, with_web

from chargehand.plugins.stock_ui import find_stock_ui

_INDEX = """<!DOCTYPE html>
<html><head>
    <!-- BUILDBOT_THEME_CSS_PLACEHOLDER_BEGIN -->
    <style>:root { --bb-color: #30426a; --bb-other: #fff; }</style>
    <!-- BUILDBOT_THEME_CSS_PLACEHOLDER_END -->
    <script type="module" src="./assets/index-1.js"></script>
</head><body>
  <!-- BUILDBOT_CONFIG_PLACEHOLDER -->
</body></html>
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files of an installed interface, and one beside them that is nobody's business."""
    directory = tmp_path / "buildbot_www" / "static"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text(_INDEX)
    (directory / "assets/index-1.js").write_text("1 + 1")
    (tmp_path / "secret.txt").write_text("secret")
    (directory / "link.txt").symlink_to(tmp_path / "secret.txt")
    return directory


@pytest.fixture
async def site(files: Path) -> AsyncIterator[Site]:
    async with visited(find_stock_ui=lambda: files) as site:
        yield site


async def _text(site: Site, path: str, **headers: str) -> tuple[int, str]:
    async with site.session.get(path, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text()


def _settings(page: str) -> dict[str, Any]:
    found = re.search(r"window\.buildbotFrontendConfig = (.*);</script>", page)
    assert found is not None
    settings: dict[str, Any] = json.loads(found[1])
    return settings


async def test_the_page_has_the_settings_that_buildbots_has(site: Site) -> None:
    status, page = await _text(site, "/stock/")

    assert status == 200
    settings = _settings(page)
    assert settings["buildbotURL"] == "https://ci.example.org/stock/"
    assert settings["title"] == "Our <builds>"
    assert settings["auth"] == {"name": "NoAuth"}
    assert settings["user"] == {"anonymous": True}
    assert settings["multiMaster"] is False
    assert "PLACEHOLDER -->" not in page
    # A title that looks like markup does not end the script.
    assert "<builds>" not in page


async def test_no_script_runs_but_those_of_the_package_and_the_settings(site: Site) -> None:
    async with site.session.get("/stock/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
    scripts = re.search(r"script-src ([^;]+)", policy)
    assert scripts is not None
    assert re.fullmatch(r"'self' 'sha256-[\w+/=]{44}'", scripts[1])


async def test_its_files_are_served_and_known_again(site: Site) -> None:
    async with site.session.get("/stock/assets/index-1.js") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/javascript"
        assert await answer.text() == "1 + 1"
        written = answer.headers["Last-Modified"]
    status, _ = await _text(site, "/stock/assets/index-1.js", **{"If-Modified-Since": written})
    assert status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/stock/nothing.js",
        "/stock/assets",
        "/stock/link.txt",
        "/stock/%2e%2e/%2e%2e/secret.txt",
        "/stock/..%2f..%2fsecret.txt",
        "/stock/%00",
        "/stock/%ff",
        "/stock/" + "a" * 5000,
    ],
)
async def test_nothing_else_is_served(site: Site, path: str) -> None:
    async with site.session.get(yarl.URL(path, encoded=True)) as answer:
        assert answer.status == 404
        assert "secret" not in await answer.text()


async def test_the_api_answers_below_its_page(site: Site) -> None:
    for path in ("/api/v2/builders", "/api/v2/builds?limit=1", "/config", "/api/v2/nothing"):
        assert await _text(site, f"/stock{path}") == await _text(site, path)
    body = {"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {"reason": "x"}}
    async with site.session.post("/stock/api/v2/builds/1", json=body) as answer:
        assert answer.status == 200
    async with site.session.ws_connect("/stock/ws") as socket:
        await socket.send_json({"cmd": "ping", "_id": 1})
        assert (await socket.receive_json())["msg"] == "pong"


async def test_other_sites_and_names_are_refused_there_as_elsewhere(site: Site) -> None:
    status, _ = await _text(site, "/stock/api/v2/builders", Origin="https://evil.example.com")
    assert status == 400
    status, _ = await _text(site, "/stock/api/v2/builders", Host="evil.example.com")
    assert status == 421


async def test_the_theme_is_applied_without_what_is_no_value(files: Path) -> None:
    theme = {"bb-color": "#fff", "bb-bad": "red;} </style><script>", "bb-new": "rgb(1, 2, 3)"}
    async with visited(with_web(options={"theme": theme}), find_stock_ui=lambda: files) as site:
        _, page = await _text(site, "/stock/")
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert dict(re.findall(r"(--[\w-]+): ([^;]+);", style)) == {
        "--bb-color": "#fff",
        "--bb-other": "#fff",
        "--bb-new": "rgb(1, 2, 3)",
    }


async def test_without_a_slash_one_gets_to_the_page(site: Site) -> None:
    async with site.session.get("/stock", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (308, "stock/")


@pytest.mark.parametrize("asked", ["/builders/1", "#/builders/1", "//builders/1"])
async def test_logging_in_leads_back_to_where_one_was(site: Site, asked: str) -> None:
    path = "/stock/auth/login"
    async with site.session.get(path, params={"redirect": asked}, allow_redirects=False) as answer:
        assert answer.status == 302
        target = urlsplit(urljoin(path, answer.headers["Location"]))
    assert target.path == "/auth/login"
    assert parse_qs(target.query) == {"redirect": ["/stock/#/builders/1"]}


@pytest.mark.parametrize("how", ["not installed", "turned off"])
async def test_there_is_no_page_where_it_is_missing_or_turned_off(how: str, files: Path) -> None:
    config = with_web(stock_ui=False) if how == "turned off" else CONFIG
    found = files if how == "turned off" else None
    async with visited(config, find_stock_ui=lambda: found) as site:
        status, text = await _text(site, "/stock/")
        assert status == 404
        assert ("pip install" in text) is (how == "not installed")


async def test_files_of_plug_ins_are_served_by_their_names(files: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "scripts.js").write_text("2 + 2")
    config = with_web(plugin_files={"some_view": str(plugin)})
    async with visited(config, find_stock_ui=lambda: files) as site:
        for base in ("", "/stock"):
            assert await _text(site, f"{base}/plugins/some_view/scripts.js") == (200, "2 + 2")
            # The interface asks for one of each plug-in; not all have any.
            assert await _text(site, f"{base}/plugins/some_view/styles.css") == (200, "")
            for missing in ("some_view", "some_view/", "some_view/x.js", "other/styles.css"):
                assert (await _text(site, f"{base}/plugins/{missing}"))[0] == 404


def test_it_is_found_without_being_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Path
) -> None:
    (files.parent / "__init__.py").write_text("raise SystemExit('executed')")
    assert find_stock_ui() is None
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_stock_ui() == files
