"""What the configuration says of a Subversion repository to poll."""

from __future__ import annotations

import msgspec

from chargehand.config.model import Hook
from chargehand.intake.polling import Schedule
from chargehand.kit.values import compared_without


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks the server. The password is never among a process's arguments."""

    user: str | None = None
    password: str | None = None


async def _nobody() -> Login:
    return Login()


@compared_without("split", "login", "category")
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """An address to poll; hooks are compared by the component's identity.

    ``split`` is a hook ``(path below the address) -> mapping | None``: the ``path`` within the
    branch, and where they are known ``branch``, ``project``, ``repository`` and ``codebase``; None
    for a file that is of no interest. ``category`` may be a hook ``(change as a dict) -> str``,
    ``login`` is a hook ``() -> Login``, called for each poll. ``recalled`` is the last revision
    that an earlier installation had seen; it counts when nothing is stored yet.
    """

    url: str
    split: Hook
    login: Hook = _nobody
    schedule: Schedule = msgspec.field(default_factory=Schedule)
    binary: str = "svn"
    more_arguments: tuple[str, ...] = ()
    page: int = 100
    """The largest number of revisions that are read at once."""
    revlink_template: str = ""
    category: str | Hook | None = None
    project: str = ""
    recalled: int | None = None
