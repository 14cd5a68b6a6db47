"""Badges: what they say, how they look, and who sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree

import pytest
from web_site import Site, visited, with_web

from chargehand.config.badges import BadgeSettings, BadSettings, of_plugin


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with visited(with_web(badges=BadgeSettings())) as site:
        yield site


def _builds(site: Site, *results: int | None) -> None:
    """Let builder 1 have these builds, the last of which is the newest; None: it runs."""
    like = dict(site.resources.rows["builds"][0])
    site.resources.rows["builds"] = [
        like
        | {
            "buildid": number,
            "number": number,
            "builderid": 1,
            "complete": result is not None,
            "results": result,
        }
        for number, result in enumerate(results, 1)
    ]


async def _badge(site: Site, path: str, status: int = 200) -> str:
    async with site.session.get(path) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


def _texts(badge: str) -> list[str]:
    """Return the texts, without their shadows."""
    root = ElementTree.fromstring(badge)
    found = root.iter("{http://www.w3.org/2000/svg}text")
    return [one.text or "" for one in found if "aria-hidden" not in one.attrib]


def _colours(badge: str) -> list[str]:
    root = ElementTree.fromstring(badge)
    return [
        one.attrib["fill"]
        for one in root.iter("{http://www.w3.org/2000/svg}rect")
        if "fill" in one.attrib
    ][:2]


def _name(site: Site) -> str:
    return str(site.resources.rows["builders"][0]["name"])


@pytest.mark.parametrize(
    ("results", "word", "colour"),
    [
        ((), "unknown", "#9f9f9f"),
        ((2, 0), "success", "#4c1"),
        ((0, 2), "failure", "#e05d44"),
        ((0, 1), "warnings", "#dfb317"),
        ((0, 3), "skipped", "#a4a61d"),
        ((0, 4), "exception", "#007ec6"),
        ((0, 5), "retry", "#007ec6"),
        ((0, 6), "cancelled", "#9f9f9f"),
        ((0, None), "running", "#007ec6"),
    ],
)
@pytest.mark.parametrize("base", ["/plugins/badges", "/badges", "/stock/plugins/badges"])
async def test_a_badge_says_how_the_newest_build_ended(
    site: Site, results: tuple[int | None, ...], word: str, colour: str, base: str
) -> None:
    _builds(site, *results)
    badge = await _badge(site, f"{base}/{_name(site)}.svg")
    assert _texts(badge) == ["Build Status", word]
    assert _colours(badge) == ["#555", colour]


async def test_pages_of_other_sites_may_show_it_and_ask_whether_it_changed(site: Site) -> None:
    _builds(site, 0)
    address = f"/badges/{_name(site)}.svg"
    async with site.session.get(address) as answer:
        assert answer.content_type == "image/svg+xml"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        tag = answer.headers["ETag"]
    async with site.session.get(address, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    _builds(site, 2)
    async with site.session.get(address, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200


async def test_the_address_decides_how_it_looks(site: Site) -> None:
    _builds(site, 0)
    query = "left_text=Tests&right_text=fine&left_color=222&right_color=teal&style=flat-square"
    badge = await _badge(site, f"/badges/{_name(site)}.svg?{query}&unknown=1")
    assert _texts(badge) == ["Tests", "fine"]
    assert _colours(badge) == ["#222", "teal"]
    assert "linearGradient" not in badge
    wide = await _badge(site, f"/badges/{_name(site)}.svg?{query}&left_pad=20&right_pad=20")
    width = float(ElementTree.fromstring(badge).attrib["width"])
    assert float(ElementTree.fromstring(wide).attrib["width"]) == pytest.approx(width + 60)


async def test_a_badge_may_have_one_part_only(site: Site) -> None:
    badge = await _badge(site, "/badges/x.svg?left_text=")
    assert _texts(badge) == ["unknown"]


async def test_texts_are_texts_whatever_they_contain(site: Site) -> None:
    text = "</text><script>alert(1)</script>\x00\n"
    async with site.session.get("/badges/x.svg", params={"left_text": text}) as answer:
        badge = await answer.text()
    assert "<script" not in badge
    assert _texts(badge)[0] == text.replace("\x00", " ").replace("\n", " ")


@pytest.mark.parametrize(
    "query",
    [
        'right_color="/><script>',
        "left_color=url(https://evil.example.org)",
        "left_pad=many",
        "left_pad=1e9",
        "left_pad=-1",
        "left_pad=nan",
        "font_size=1000000",
        'font_face="onload=',
        "style=round",
        "left_text=" + "x" * 300,
        "left_text=" + "x" * 5000,
    ],
)
async def test_what_is_wrong_in_an_address_is_refused(site: Site, query: str) -> None:
    text = await _badge(site, f"/badges/x.svg?{query}", status=400)
    assert "<script" not in text


async def test_there_are_none_where_they_are_not_configured() -> None:
    async with visited() as site:
        for path in ("/badges/x.svg", "/plugins/badges/x.svg"):
            await _badge(site, path, status=404)


@pytest.mark.parametrize("path", ["/badges/x.png", "/badges/x", "/badges/", "/badges"])
async def test_there_are_no_other_pictures(site: Site, path: str) -> None:
    await _badge(site, path, status=404)


def test_settings_are_named_as_the_plug_in_documents_them() -> None:
    settings = of_plugin(
        {
            "left_pad": 5,
            "left_text": "Build Status",
            "left_color": "#555",
            "right_pad": 5,
            "border_radius": 5,
            "style": "plastic",
            "template_name": "{style}.svg.j2",
            "font_face": "DejaVu Sans",
            "font_size": 11,
            "color_scheme": {"exception": "#007ec6", "skipped": "a4a61d", "unknown": "#9f9f9f"},
        }
    )
    assert settings.style == "plastic"
    assert of_plugin({"template_name": "badgeio.svg.j2"}).style == "badgeio"
    assert of_plugin(None) == of_plugin(True) == BadgeSettings()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"left_colour": "red"}, "left_colour"),
        ({"left_color": 3}, r"\$.left_color"),
        ({"color_scheme": {"failed": "red"}}, "failed"),
        ({"style": "round"}, "round"),
    ],
)
def test_wrong_settings_are_said(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadSettings, match=problem):
        of_plugin(given)
