"""Worker information, cleaned for display and storage."""

from __future__ import annotations

import os

import msgspec

from chargehand.domain.worker import WorkerInfo
from chargehand_wire.messages import Hello


def readable_info(hello: Hello) -> WorkerInfo:
    """Return the worker's information, with undecodable bytes as escapes."""
    info = msgspec.convert(_readable(hello.info), WorkerInfo)
    return msgspec.structs.replace(info, protocol="native")


def _readable(value: object) -> object:
    if isinstance(value, dict):
        return {_readable(key): _readable(held) for key, held in value.items()}
    return _readable_text(value) if isinstance(value, str) else value


def _readable_text(text: str) -> str:
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
