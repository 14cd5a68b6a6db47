"""Accounts of this machine."""

from __future__ import annotations

import os
import pwd


def account_name(user_id: int | None = None) -> str:
    """Return the name of an account; without a number, of the one that this process runs as."""
    number = os.geteuid() if user_id is None else user_id
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
