"""Finding plug-ins by namespace."""

from __future__ import annotations

import buildbot.plugins as plugins
from buildbot.plugins.namespace import Namespace


def get_plugins(namespace: str, interface: object = None, load_now: bool = False) -> Namespace:
    """Return the namespace's names: ours, and those of installed plug-ins."""
    found = getattr(plugins, namespace, None)
    if isinstance(found, Namespace):
        return found
    return Namespace(f"buildbot.plugins.{namespace}", f"buildbot.{namespace}", {})
