"""The site's settings for user interfaces."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import msgspec

from chargehand.config.model import MasterConfig
from chargehand.domain.user import User
from chargehand.resources.field import Resource

_SECRET_OPTIONS = {"auth", "authz", "change_hook_auth", "change_hook_dialects", "avatar_methods"}
_OWN_KEYS = {"plugins", "allowed_hosts", "allowed_origins", "limits", "versions", "port"}


def frontend_config(config: MasterConfig, user: User) -> Resource:
    """Return ``window.buildbotFrontendConfig``, also served at ``/config``."""
    options = {
        key: value
        for key, value in config.web.options.items()
        if key not in _SECRET_OPTIONS | _OWN_KEYS and _is_plain(value)
    }
    return options | {
        "port": next((one[1] for one in config.web.listen if not isinstance(one, str)), None),
        "plugins": _shown(config.web.plugins),
        "auth": {"name": "NoAuth"} if config.web.login is None else dict(config.web.login.shown),
        "authz": {},
        "avatar_methods": [{"name": method.name} for method in config.web.avatars],
        "versions": [*_versions(), *config.web.options.get("versions", ())],
        "buildbotURL": config.url,
        "title": config.title,
        "titleURL": config.title_url,
        "multiMaster": config.multi_master,
        "user": user_description(user),
    }


def user_description(user: User) -> Resource:
    """Return the user in the format that interfaces expect."""
    if user.is_anonymous:
        return {"anonymous": True}
    described: Resource = {"username": user.name, "groups": list(user.groups)}
    # Buildbot's interface shows a full name even if it is empty, instead of the user's name.
    if user.email:
        described["email"] = user.email
    if user.full_name:
        described["full_name"] = user.full_name
    return described


def _versions() -> list[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("chargehand")
    except PackageNotFoundError:
        own = "unknown"
    return [("Python", platform.python_version()), ("Chargehand", own)]


def _shown(value: object) -> object:
    """Return the value without the objects in it, such as a dashboard's application."""
    match value:
        case Mapping():
            return {str(key): _shown(one) for key, one in value.items() if _is_shown(one)}
        case list() | tuple():
            return [_shown(one) for one in value if _is_shown(one)]
    return value


def _is_shown(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) or _is_plain(value)


def _is_plain(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError):
        return False
    return True
