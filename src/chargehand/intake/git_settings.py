"""What the configuration says of a git repository to poll."""

from __future__ import annotations

from enum import Enum

import msgspec

from chargehand.config.model import Hook
from chargehand.intake.polling import Schedule
from chargehand.kit.values import compared_without


class Watched(Enum):
    """What to watch if no branches are configured."""

    DEFAULT_BRANCH = "default branch"
    ALL_BRANCHES = "all branches"
    TAGS = "tags"


Branches = tuple[str, ...] | Watched | Hook


@compared_without("branches", "category", "project", "credentials")
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A repository to poll; hooks are compared by the component's identity.

    ``branches`` may be a hook ``(full name of a ref) -> bool``, ``category`` and ``project`` may be
    hooks ``(change as a dict) -> str``; ``credentials`` is a hook ``() -> Credentials | None``,
    called for each poll.
    """

    url: str
    branches: Branches = Watched.DEFAULT_BRANCH
    schedule: Schedule = msgspec.field(default_factory=Schedule)
    directory: str = "gitpoller-work"
    binary: str = "git"
    category: str | Hook | None = None
    project: str | Hook = ""
    use_timestamps: bool = True
    encoding: str = "utf-8"
    build_pushes_with_no_commits: bool = False
    credentials: Hook | None = None
