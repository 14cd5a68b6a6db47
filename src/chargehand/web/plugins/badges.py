"""Badges: small pictures that say how a builder's last build ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import jinja2
import msgspec
from aiohttp import web

from chargehand.config.badges import (
    BadgeSettings,
    BadSettings,
    of_address,
    painted,
)
from chargehand.config.model import MasterConfig
from chargehand.domain.result import Result
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.web.ports import Resources
from chargehand.web.rest.reading import NotFound

_HEADERS = {
    "Content-Type": "image/svg+xml",
    "Cache-Control": "no-cache",
    # Badges are shown on pages of other sites.
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_LONGEST_QUERY = 4000

_WIDTHS = {
    0.28: "'ijlIJ",
    0.33: " ,./:;|\\",
    0.37: "f-()[]t!",
    0.43: 'r"',
    0.52: "*_`sz?c",
    0.58: "LFkvx",
    0.61: "yPTYaoe",
    0.64: "ESbdghnpqu$0123456789{}",
    0.69: "KAVBRXZC",
    0.76: "UHNDG",
    0.82: "&OQw#+<=>^~M",
    0.97: "%mW@",
}
"""Widths of letters of DejaVu Sans, in units of its size."""
_WIDTH_OF = {letter: width for width, letters in _WIDTHS.items() for letter in letters}
_UNKNOWN_WIDTH = 0.8

_SHINE = {
    "plastic": ((0, "#fff", 0.7), (0.1, "#aaa", 0.1), (0.9, "#000", 0.3), (1, "#000", 0.5)),
    "flat": ((0, "#bbb", 0.1), (1, "#000", 0.1)),
    "badgeio": ((0, "#bbb", 0.1), (1, "#000", 0.1)),
    "flat-square": (),
}
_HEIGHTS = {"plastic": 18}
_RADII = {"flat-square": 0.0, "badgeio": 3.0}


class _Part(msgspec.Struct, frozen=True):
    """One half of a badge, in pixels."""

    text: str
    colour: str
    x: float
    width: float
    text_width: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


class Badges:
    """Draws badges; a builder that the visitor may not see looks like one that does not exist."""

    def __init__(self, config: Callable[[], MasterConfig], resources: Resources) -> None:
        self._config = config
        self._resources = resources
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("badge.svg")

    async def serve(
        self, request: web.BaseRequest, visitor: Visitor, path: str
    ) -> web.StreamResponse:
        """Answer with the badge of the builder that *path* names. Raises NotFound."""
        base = self._config().web.badges
        if base is None or not path.endswith(".svg"):
            raise NotFound("There is no such badge.")
        query = request.raw_path.partition("?")[2]
        try:
            settings = _asked(base, query)
        except BadSettings as error:
            return web.Response(status=400, text=f"{error}\n")
        name = unquote(path.removesuffix(".svg"))
        text = self._drawn(settings, await self._state(name, visitor))
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = _HEADERS | {"ETag": tag}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=text.encode(), headers=headers)

    async def _state(self, name: str, visitor: Visitor) -> str:
        """Return the word for the newest build of a builder."""
        filters = (Filter("name", Operator.EQ, (name,)),)
        query = Query(kind="builders", sees=visitor.sees, filters=filters, limit=1)
        builders = (await self._resources.fetch(query)).rows
        if not builders:
            return "unknown"
        query = Query(
            kind="builds",
            sees=visitor.sees,
            scope={"builderid": builders[0]["builderid"]},
            order=(Order("number", descending=True),),
            limit=1,
        )
        builds = (await self._resources.fetch(query)).rows
        if not builds:
            return "unknown"
        if not builds[0]["complete"]:
            return "running"
        result = builds[0]["results"]
        return "unknown" if result is None else Result(result).name.lower()

    def _drawn(self, settings: BadgeSettings, state: str) -> str:
        colour = settings.right_color or getattr(settings.color_scheme, state)
        size = settings.font_size
        left = _part(settings.left_text, settings.left_color, 0, settings.left_pad, size)
        right = _part(settings.right_text or state, colour, left.width, settings.right_pad, size)
        height = _HEIGHTS.get(settings.style, 20) + max(0.0, size - 11)
        return self._template.render(
            left=left,
            right=right,
            width=round(left.width + right.width, 2),
            height=height,
            radius=_RADII.get(settings.style, settings.border_radius),
            shine=_SHINE[settings.style],
            baseline=round(height / 2 + size * 0.36, 1),
            font_face=settings.font_face,
            font_size=size,
        )


def _asked(base: BadgeSettings, query: str) -> BadgeSettings:
    if len(query) > _LONGEST_QUERY:
        raise BadSettings("the address is too long")
    return of_address(base, dict(parse_qsl(query, keep_blank_values=True)))


def _part(text: str, colour: str, x: float, padding: float, size: float) -> _Part:
    shown = "".join(one if one.isprintable() else " " for one in text)
    text_width = sum(_WIDTH_OF.get(letter, _UNKNOWN_WIDTH) for letter in shown) * size
    width = text_width + 2 * padding if shown else 0.0
    return _Part(shown, painted(colour), x, round(width, 2), round(text_width, 2))
