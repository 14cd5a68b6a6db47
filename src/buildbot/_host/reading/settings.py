"""The settings of the master as a whole: everything in ``c`` that is not a list of components."""

from __future__ import annotations

import codecs
import json
from typing import Any
from urllib.parse import urlsplit

from buildbot._border.numbers import COUNT, POSITIVE, Range
from buildbot._host.reading.protocols import read_protocols, read_worker_ports
from buildbot._host.reading.section import Section
from chargehand.config.model import LogConfig
from chargehand.domain.properties import Property

_DAYS = Range(words="a number of days, more than 0, or None", least=0.01, may_be_none=True)
_DEFAULT_DB = "sqlite:///state.sqlite"
DEFAULT_URL = "http://localhost:8010/"
_COMPRESSIONS = ("raw", "bz2", "gz", "lz4", "br", "zstd")
_MQ_TYPES = ("simple", "wamp")
_VALIDATED = ("branch", "revision", "property_name", "property_value")


def read_plain(section: Section) -> dict[str, Any]:
    """Return the fields of MasterConfig that need nothing but their own keys."""
    _check_accepted(section)
    return {
        "title": section.text("title", "Chargehand"),
        "title_url": section.text("titleURL", DEFAULT_URL),
        "url": _url(section),
        "db_url": _db_url(section),
        "multi_master": bool(section.get("multiMaster", False)),
        "change_horizon": _change_horizon(section),
        "audit_days": _audit_days(section),
        "logs": _logs(section),
        "properties": _properties(section),
        "manhole": section.get("manhole"),
        "protocols": (protocols := read_protocols(section)),
        "worker_ports": read_worker_ports(section, protocols),
        "revlink": _revlink(section),
    }


def _url(section: Section) -> str:
    url = section.text("buildbotURL", DEFAULT_URL)
    try:
        parts = urlsplit(url)
        is_absolute = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError as wrong:
        section.error(f"c['buildbotURL']: {url!r} is not a valid URL: {wrong}", "buildbotURL")
        return DEFAULT_URL
    if not is_absolute:
        section.warn(
            f"c['buildbotURL']: {url!r} is not an absolute URL, so links will not work; "
            "write http://HOST:PORT/",
            "buildbotURL",
        )
    return with_slash(url)


def with_slash(url: str) -> str:
    """Return the URL with a slash at its end: paths are appended to it."""
    return url if url.endswith("/") else f"{url}/"


def _db_url(section: Section) -> str:
    url: Any = section.get("db_url", _DEFAULT_DB)
    key = "db_url"
    database = section.get("db")
    if isinstance(database, str):
        url, key = database, "db"
    elif database is not None:
        key = "db"
        part = section.part("db")
        if part is not None:
            if unknown := sorted(set(map(str, part.values)) - {"db_url", "engine_kwargs"}):
                quoted = ", ".join(f'"{key}"' for key in unknown)
                section.error(f"unknown keys in c['db']: {quoted}", "db", *unknown)
            url = part.get("db_url", url)
            if part.get("engine_kwargs"):
                section.warn("c['db']['engine_kwargs'] is not supported yet", "db", "engine_kwargs")
    if not isinstance(url, str):
        if hasattr(url, "getRenderingFor"):
            section.error("a renderable database URL is not supported yet; use a string", key)
        else:
            section.error(f"the database URL must be a string, not {url!r}", key)
        return _DEFAULT_DB
    return _checked_db_url(section, url, key)


def _checked_db_url(section: Section, url: str, key: str) -> str:
    if url.startswith("sqlite:///") or _is_database_url(url):
        return url
    section.error(
        "the database URL is not valid; use one like 'sqlite:///state.sqlite' "
        "or 'postgresql://user:password@host/name'",
        key,
    )
    return _DEFAULT_DB


def _is_database_url(url: str) -> bool:
    # Imported for those that have a server only: a third of the time of checking a small file.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(url)
    except (ArgumentError, ValueError):
        return False
    return True


def _check_compression(section: Section) -> None:
    """Check settings that have no effect: workers always compress logs the same way."""
    if section.get("logCompressionMethod", "zstd") not in _COMPRESSIONS:
        section.wrong("logCompressionMethod", "'raw', 'bz2', 'gz', 'lz4', 'br' or 'zstd'")
    if not isinstance(section.get("logCompressionLimit", 4096), int):  # False as well
        section.wrong("logCompressionLimit", "an integer")


def _logs(section: Section) -> LogConfig:
    _check_compression(section)
    encoding = section.text("logEncoding", "utf-8")
    try:
        codecs.lookup(encoding)
    except LookupError:
        section.error(f"c['logEncoding']: unknown encoding \"{encoding}\"", "logEncoding")
        encoding = "utf-8"
    return LogConfig(
        max_size=_log_size(section, "logMaxSize"),
        max_tail_size=_log_size(section, "logMaxTailSize"),
        encoding=encoding,
    )


def _change_horizon(section: Section) -> int | None:
    count = section.number("changeHorizon", None)
    if count is not None and count < 0:
        section.wrong("changeHorizon", "a positive integer")
    return count if count is not None and count > 0 else None


def _audit_days(section: Section) -> float | None:
    if "auditDays" not in section:
        return 365.0
    section.number_in("auditDays", _DAYS)
    days = section.get("auditDays")
    return float(days) if _DAYS.has(days) and days is not None else None


def _log_size(section: Section, key: str) -> int | None:
    size = section.number(key, None)
    if size is not None and size < 0:
        section.wrong(key, "a positive integer")
        return None
    return size


def _properties(section: Section) -> dict[str, Property]:
    part = section.part("properties")
    if part is None:
        return {}
    found: dict[str, Property] = {}
    for name, value in part.values.items():
        if not isinstance(name, str):
            section.error(f"property names must be strings, not {name!r}", "properties")
        elif not is_json(value) and not hasattr(value, "getRenderingFor"):
            section.error(
                f"c['properties'][{name!r}] must be a value that JSON can represent",
                "properties",
                name,
            )
        else:
            found[name] = (value, section.file)
    return found


def is_json(value: Any) -> bool:
    """Return whether JSON can represent the value."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _revlink(section: Section) -> Any:
    function = section.function("revlink")
    if function is not None:
        return function
    from buildbot.revlinks import default_revlink_matcher

    return default_revlink_matcher


def _check_accepted(section: Section) -> None:
    """Check settings that are accepted but have no effect, or none yet."""
    usage = section.get("buildbotNetUsageData")
    if usage is not None and not isinstance(usage, str) and not callable(usage):
        section.wrong("buildbotNetUsageData", "a string or a function (nothing is ever sent)")
    _check_caches(section)
    if (queue := section.part("mq")) is not None:
        kind = queue.get("type", "simple")
        if kind not in _MQ_TYPES:
            section.error(f"c['mq']: unknown type {kind!r}", "mq", "type")
        elif kind == "wamp":
            section.warn("c['mq']: type 'wamp' is not supported yet", "mq", "wamp")
    if (validation := section.part("validation")) is not None:
        unknown = sorted(set(map(str, validation.values)) - set(_VALIDATED))
        if unknown:
            quoted = ", ".join(f'"{key}"' for key in unknown)
            section.error(f"unknown keys in c['validation']: {quoted}", "validation")
        elif validation.values:
            section.warn("c['validation'] is not supported yet", "validation")
    section.part("metrics")
    section.listing("user_managers", "user managers")


def _check_caches(section: Section) -> None:
    part = section.part("caches")
    for key in ("buildCacheSize", "changeCacheSize"):
        section.number_in(key, COUNT)
        if part is not None and key in section:
            section.error(f"set either c['caches'] or c['{key}'], not both", key)
    for name, size in (part.values if part is not None else {}).items():
        if (problem := POSITIVE.problem(f"c['caches']['{name}']", size)) is not None:
            section.error(problem, "caches", str(name))
