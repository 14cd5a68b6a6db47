"""``c['www']['plugins']`` and ``c['www']['stock_ui']``: what others add to the site."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from buildbot._host.views.engine_access import EngineAccess
from buildbot.www.avatar import AvatarBase, Finder
from buildbot.www.dashboards import DashboardApi
from chargehand.config.avatars import AvatarMethod
from chargehand.config.badges import BadgeSettings, BadSettings, of_plugin
from chargehand.config.dashboards import Dashboard

_DISTRIBUTION = "pip install buildbot-{}"
_BUILT_IN = frozenset({"badges", "wsgi_dashboards"})
_BADGES = "c['www']['plugins']['badges']"
_DASHBOARDS = "c['www']['plugins']['wsgi_dashboards']"
_KEYS = frozenset({"app", "caption", "icon", "name", "order"})
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def read_stock_ui(part: Section) -> bool | None:
    """Return whether Buildbot's own interface is served; None: if it is installed."""
    wanted = part.get("stock_ui")
    if wanted is None:
        return None
    if not isinstance(wanted, bool):
        part.wrong("stock_ui", "True or False")
        return None
    if wanted and find_spec("buildbot_www") is None:
        part.error(
            f"{part.shown('stock_ui')} is set, but Buildbot's interface is not installed: "
            "pip install --no-deps buildbot-www",
            "stock_ui",
        )
    return bool(wanted)


def read_plugins(part: Section) -> dict[str, Any]:
    """Return the plug-ins that are named, each with its settings."""
    given = part.part("plugins")
    return {} if given is None else {str(name): value for name, value in given.values.items()}


def find_files(part: Section, plugins: dict[str, Any]) -> dict[str, str]:
    """Return the directories with the files of these plug-ins; warn of those that have none."""
    found: dict[str, str] = {}
    for name in plugins:
        directory = _static(name)
        if directory is not None:
            found[name] = str(directory)
        elif name not in _BUILT_IN:
            part.warn(
                f'{part.shown("plugins")} names "{name}", which is not installed here, or has no '
                f"files for browsers: {_DISTRIBUTION.format(name.replace('_', '-'))}",
                "plugins",
                name,
            )
    return found


def read_avatars(part: Section, access: EngineAccess) -> tuple[AvatarMethod, ...]:
    """Return who is asked for pictures of people."""
    given = part.get("avatar_methods") or ()
    found = []
    for method in given if isinstance(given, list | tuple) else [given]:
        if isinstance(method, AvatarBase):
            found.append(AvatarMethod(name=str(method.name), find=Finder(method, access)))
        else:
            part.wrong("avatar_methods", "a list of util.AvatarGravatar(), util.AvatarGitHub() …")
            break
    return tuple(found)


def read_badges(part: Section, plugins: Mapping[str, Any]) -> BadgeSettings | None:
    """Return how badges look; None if there are none."""
    if "badges" not in plugins:
        return None
    given = plugins["badges"]
    if not isinstance(given, Mapping | bool | None):
        part.error(f"{_BADGES} must be a dictionary, not {given!r}", "plugins", "badges")
        return None
    try:
        return of_plugin(given)
    except BadSettings as error:
        part.error(f"{_BADGES}: {error}", "plugins", "badges")
        return None


def read_dashboards(
    part: Section, plugins: Mapping[str, Any], access: EngineAccess
) -> tuple[Dashboard, ...]:
    """Return the pages that are WSGI applications, which from now on know the master."""
    given = plugins.get("wsgi_dashboards") or ()
    if not isinstance(given, list | tuple):
        _wrong(part, "must be a list of dictionaries")
        return ()
    found: dict[str, Dashboard] = {}
    for place, one in enumerate(given):
        if (dashboard := _dashboard(part, f"[{place}]", one)) is None:
            continue
        if dashboard.name in found:
            _wrong(part, f"has two dashboards with the name {dashboard.name!r}")
        _introduce(part, dashboard, access)
        found[dashboard.name] = dashboard
    return tuple(found.values())


def _dashboard(part: Section, place: str, given: Any) -> Dashboard | None:
    if not isinstance(given, Mapping):
        _wrong(part, f"{place} must be a dictionary with 'name' and 'app', not {given!r}")
        return None
    for key in given:
        if key not in _KEYS:
            _wrong(part, f"{place} has an unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
    name, application = given.get("name"), given.get("app")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        _wrong(part, f"{place} needs a 'name' of letters, digits, '-', '_' and '.', not {name!r}")
        return None
    if not callable(application):
        _wrong(part, f"{place} needs an 'app' that is a WSGI application, not {application!r}")
        return None
    return Dashboard(name=name, application=application)


def _introduce(part: Section, dashboard: Dashboard, access: EngineAccess) -> None:
    application: Any = dashboard.application
    try:
        application.buildbot_api = DashboardApi(access)
    except (AttributeError, TypeError):
        part.warn(
            f"{_DASHBOARDS}: the application of {dashboard.name!r} cannot have an attribute "
            "buildbot_api, with which it could read builders and builds",
            "plugins",
            "wsgi_dashboards",
        )


def _wrong(part: Section, what: str) -> None:
    glue = "" if what.startswith("[") else " "
    part.error(f"{_DASHBOARDS}{glue}{what}", "plugins", "wsgi_dashboards")


def _static(name: str) -> Path | None:
    """Return where a plug-in has its files. Nothing of it is executed."""
    module = f"buildbot_{name}"
    if not name.isidentifier() or _directory(module) is None:
        module = _module_of_entry_point(name) or module
    directory = _directory(module)
    return None if directory is None or not directory.is_dir() else directory


def _directory(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    places = (spec and spec.submodule_search_locations) or ()
    return next((Path(place) / "static" for place in places), None)


def _module_of_entry_point(name: str) -> str | None:
    """Return the package that calls itself so. Those of most are named after them: looking through
    all that is installed takes a while."""
    from importlib.metadata import entry_points

    points = entry_points(group="buildbot.www", name=name)
    return next((point.module for point in points), None)
