"""``c['www']``: the web server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._border.numbers import COUNT, SECONDS
from buildbot._host.reading.first_errors import read_error_rules
from buildbot._host.reading.logins import read_login, read_trusted_proxies
from buildbot._host.reading.permissions import read_policy
from buildbot._host.reading.section import Section
from buildbot._host.reading.web_addresses import hsts_seconds, read_addresses
from buildbot._host.reading.web_limits import read_limits
from buildbot._host.reading.web_plugins import (
    find_files,
    read_avatars,
    read_badges,
    read_dashboards,
    read_plugins,
    read_stock_ui,
)
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.model import WebConfig

_KNOWN_WORDS = """
allowed_hosts allowed_origins auth authz avatar_methods change_hook_auth change_hook_dialects
cookie_expiration_time custom_templates_dir debug default_page emergency_accounts
first_error_rules graphql json_cache_seconds jsonp limits logfileName logRotateLength
max_async_connections maxRotatedFiles plugins port rest_minimum_version session_lifetime stock_ui
theme tls trusted_proxies
ui_default_config url versions ws_ping_interval
"""
KNOWN = frozenset(_KNOWN_WORDS.split())

_READ_WORDS = """
allowed_hosts allowed_origins auth authz avatar_methods cookie_expiration_time emergency_accounts
first_error_rules limits plugins port session_lifetime stock_ui tls trusted_proxies
"""
_READ = frozenset(_READ_WORDS.split())
"""Keys whose values are elsewhere in the configuration, some of them secret."""
_NUMBERS = {
    "ws_ping_interval": SECONDS,
    "json_cache_seconds": SECONDS,
    "logRotateLength": COUNT,
    "maxRotatedFiles": COUNT,
    "max_async_connections": COUNT,
}
_NOT_YET = {
    "change_hook_dialects": "the master accepts no web hooks",
    "graphql": "there is no /api/v3",
}


def read_web(
    section: Section, access: EngineAccess, builders: Sequence[Any], workers: Sequence[str]
) -> WebConfig:
    """Return the web server's configuration."""
    part = section.part("www")
    if part is None:
        return WebConfig()
    unknown = sorted(str(key) for key in part.values if key not in KNOWN)
    for key in unknown:
        section.error(f"unknown key \"{key}\" in c['www']{did_you_mean(key, KNOWN)}", "www", key)
    _warn(part)
    for key, wanted in _NUMBERS.items():
        part.number_in(key, wanted)
    plugins = read_plugins(part)
    options = {key: value for key, value in part.values.items() if key not in _READ}
    listen, tls = read_addresses(part)
    login = read_login(part, access)
    return WebConfig(
        listen=listen,
        tls=tls,
        hsts_seconds=hsts_seconds(part),
        allowed_origins=_strings(part, "allowed_origins"),
        allowed_hosts=_strings(part, "allowed_hosts"),
        limits=read_limits(part),
        first_error_rules=read_error_rules(part),
        plugins=plugins,
        plugin_files=find_files(part, plugins),
        avatars=read_avatars(part, access),
        badges=read_badges(part, plugins),
        dashboards=read_dashboards(part, plugins, access),
        stock_ui=read_stock_ui(part),
        options=options,
        plain=_plain({**options, "plugins": plugins}),
        policy=read_policy(part, login, access, builders, workers),
        login=login,
        trusted_proxies=read_trusted_proxies(part),
    )


def _plain(value: Any) -> Any:
    """Return the value without anything that is not plain data."""
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case str() | int() | float() | None:
            return value
    return type(value).__name__


def _is_meant(value: Any) -> bool:
    """Return whether a setting is present and is not the one that turns it off."""
    return bool(value) and type(value).__name__ != "NoAuth"


def _strings(part: Section, key: str) -> tuple[str, ...]:
    given = part.get(key, [])
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        part.wrong(key, "a list of strings")
        return ()
    return tuple(given)


def _warn(part: Section) -> None:
    if part.get("custom_templates_dir"):
        part.warn(
            f"{part.shown('custom_templates_dir')} has no effect: the interface with these "
            "templates is not in Buildbot since 4.0",
            "custom_templates_dir",
        )
    for key, what in _NOT_YET.items():
        if _is_meant(part.get(key)):
            part.warn(f"{part.shown(key)} is not supported yet: {what}", key)
