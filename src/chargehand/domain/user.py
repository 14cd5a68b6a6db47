"""The originator of a call: a person, an anonymous user, or the master itself."""

from __future__ import annotations

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user; an anonymous one has no name."""

    name: str = ""
    full_name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    """The groups that the login, or a directory of users, says the user belongs to."""

    details: tuple[tuple[str, str], ...] = ()
    """What else they say: names and values."""

    is_master: bool = False
    """Whether it is the master itself: code of the configuration, which has full access."""

    is_operator: bool = False
    """Whether it is a process of the master's account, which could change the configuration as
    well."""

    @property
    def may_everything(self) -> bool:
        """Whether the user has full access, regardless of the policy."""
        return self.is_master or self.is_operator

    @property
    def is_anonymous(self) -> bool:
        """Whether the user is not identified."""
        return not self.name and not self.is_master

    @property
    def words(self) -> str:
        """The name under which people see who ordered something."""
        if self.is_master:
            return "the configuration"
        return self.name or self.email or "an anonymous visitor"

    @property
    def described(self) -> str:
        """The same, with where somebody is who needs no login."""
        return f"{self.words} on this machine" if self.is_operator else self.words

    @property
    def owner(self) -> str:
        """The owner of builds that the user requests."""
        return self.email or self.name


ANONYMOUS = User()
MASTER = User(is_master=True)

_NO_REASON = ("", "no reason")
"""What clients send who give none."""


def has_reason(reason: str) -> bool:
    """Return whether an order came with a reason."""
    return reason not in _NO_REASON


def ordered(reason: str, by: User) -> str:
    """Return why something was ordered, and by whom."""
    return f"{reason} (by {by.words})" if has_reason(reason) else f"by {by.words}"
