"""How badges look: settings by the names that Buildbot's plug-in documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

STYLES = ("plastic", "flat", "flat-square", "badgeio")
Style = Literal["plastic", "flat", "flat-square", "badgeio"]

_Colour = Annotated[
    str,
    msgspec.Meta(pattern=r"^(#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|[a-zA-Z]{3,30})$"),
]
_Padding = Annotated[float, msgspec.Meta(ge=0, le=100)]
_Text = Annotated[str, msgspec.Meta(max_length=200)]


class Colours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The colours of the right part, by what became of the last build."""

    exception: _Colour = "#007ec6"
    failure: _Colour = "#e05d44"
    retry: _Colour = "#007ec6"
    running: _Colour = "#007ec6"
    skipped: _Colour = "#a4a61d"
    success: _Colour = "#4c1"
    unknown: _Colour = "#9f9f9f"
    warnings: _Colour = "#dfb317"
    cancelled: _Colour = "#9f9f9f"


class BadgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a badge; paddings, radius and size of letters are in pixels."""

    left_pad: _Padding = 5
    left_text: _Text = "Build Status"
    left_color: _Colour = "#555"
    right_pad: _Padding = 5
    right_text: _Text = ""
    """Instead of the word for the last build's result."""
    right_color: _Colour = ""
    """Instead of the colour of the last build's result."""
    border_radius: _Padding = 5
    style: Style = "plastic"
    template_name: str = ""
    """Accepted: ``badgeio.svg.j2`` stands for that style; there are no templates."""
    font_face: Annotated[str, msgspec.Meta(pattern=r"^[\w .,'-]{1,100}$")] = "DejaVu Sans"
    font_size: Annotated[float, msgspec.Meta(ge=4, le=100)] = 11
    color_scheme: Colours = Colours()


class BadSettings(ValueError):
    """The settings are wrong; the message says which."""


_BY_ADDRESS = frozenset(BadgeSettings.__struct_fields__) - {"color_scheme", "template_name"}


def of_plugin(given: object) -> BadgeSettings:
    """Return the settings of ``c['www']['plugins']['badges']``. Raises BadSettings."""
    return _converted(given if isinstance(given, Mapping) else {})


def of_address(base: BadgeSettings, asked: Mapping[str, str]) -> BadgeSettings:
    """Return the same with what an address asks for; other names have no effect. Raises
    BadSettings."""
    changes = {name: value for name, value in asked.items() if name in _BY_ADDRESS}
    if not changes:
        return base
    return _converted(msgspec.to_builtins(base) | changes)


def _converted(values: Mapping[str, object]) -> BadgeSettings:
    meant = {name: value for name, value in values.items() if value != "" or name == "left_text"}
    template = str(meant.get("template_name", ""))
    if (style := template.removesuffix(".svg.j2")) in STYLES:
        meant["style"] = style
    try:
        return msgspec.convert(meant, BadgeSettings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(str(error)) from error


def painted(colour: str) -> str:
    """Return a colour as SVG has it: an address cannot easily contain ``#``."""
    is_number = len(colour) in (3, 4, 6, 8) and all(one in _DIGITS for one in colour)
    return f"#{colour}" if is_number else colour


_DIGITS = frozenset("0123456789abcdefABCDEF")
