"""Pages that the configuration adds to the site as WSGI applications."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
"""A WSGI application, as in PEP 3333."""


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """One page of ``wsgi_dashboards``: its *name* in addresses, and what answers there."""

    name: str
    application: Application
