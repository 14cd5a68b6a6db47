"""Sending a change to a master's PBChangeSource."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.bridge import outward
from buildbot.clients.perspective import NotDelivered, answer, logged_in

__all__ = ["SendChangeFailed", "Sender", "send"]

_ANSWER_TIMEOUT = 120.0


SendChangeFailed = NotDelivered
"""The change was not sent; the message says why, and what to look at."""


async def send(
    *,
    master: str,
    who: str,
    user: str = "change",
    password: str = "changepw",
    files: Sequence[str] = (),
    comments: str = "",
    revision: str | None = None,
    branch: str | None = None,
    repository: str = "",
    project: str = "",
    codebase: str | None = None,
    category: str | None = None,
    when: float | None = None,
    properties: Mapping[str, Any] | None = None,
    revlink: str = "",
    vc: str | None = None,
    trust: str | None = None,
    encoding: str = "utf8",
) -> None:
    """Send a change to ``HOST:PORT``; when this returns, the master has stored it.

    ``trust`` is how far it is trusted at most (``untrusted``, ``reviewed`` or ``trusted``).
    Buildbot's masters refuse a change that says so.

    ``encoding`` is that of the bytes behind the texts, where they came from a command line.
    Raises SendChangeFailed.
    """
    change: dict[str, Any] = {
        "who": who,
        "files": list(files),
        "comments": comments,
        "revision": revision,
        "branch": branch,
        "repository": repository,
        "project": project,
        "category": category,
        "when": when,
        "properties": dict(properties or {}),
        "revlink": revlink,
        "src": vc,
    }
    if codebase is not None:
        change["codebase"] = codebase
    if trust is not None:
        change["trust"] = trust
    change = _decoded(change, encoding)
    try:
        async with (
            asyncio.timeout(_ANSWER_TIMEOUT),
            logged_in(
                master, user, password, listener="PBChangeSource", what="change"
            ) as perspective,
        ):
            await answer(perspective.callRemote("addChange", change))
    except TimeoutError:
        raise SendChangeFailed(f"{master} did not answer in {_ANSWER_TIMEOUT:g} seconds") from None


class Sender:
    """Sends changes to the master at ``HOST:PORT``, for scripts that run Twisted's reactor."""

    def __init__(
        self,
        master: str,
        auth: tuple[str, str] = ("change", "changepw"),
        encoding: str = "utf8",
    ) -> None:
        self._master = master
        self._user, self._password = auth
        self._encoding = encoding

    def send(
        self,
        branch: str | None,
        revision: str | None,
        comments: str,
        files: Sequence[str],
        who: str,
        **more: Any,
    ) -> Any:
        """Send a change; a Deferred that fires when the master has stored it.

        *more* are the other arguments of `send`, the function.
        """
        return outward(
            send(
                master=self._master,
                user=self._user,
                password=self._password,
                encoding=self._encoding,
                branch=branch,
                revision=revision,
                comments=comments,
                files=files,
                who=who,
                **more,
            )
        )


def _decoded(value: Any, encoding: str) -> Any:
    """Read texts of a command line in the encoding that they are in."""
    match value:
        case str():
            try:
                return os.fsencode(value).decode(encoding)
            except UnicodeError as error:
                raise SendChangeFailed(f"{value!r} is not in the encoding {encoding}") from error
            except LookupError as error:
                raise SendChangeFailed(f"the encoding {encoding!r} is unknown") from error
        case list():
            return [_decoded(part, encoding) for part in value]
        case dict():
            return {
                _decoded(name, encoding): _decoded(part, encoding) for name, part in value.items()
            }
        case _:
            return value
