"""How many of the process's file descriptors connections may use."""

from __future__ import annotations

import resource

from chargehand.config.web_limits import WebLimits


def usable_connections(limits: WebLimits) -> int:
    """Return the maximum of connections in use: three eighths of the descriptors at most."""
    return max(1, min(limits.connections, _half_of_descriptors() * 3 // 4))


def most_pending(limits: WebLimits) -> int:
    """Return how many may have sent no request yet: with those in use, half of the descriptors."""
    free = _half_of_descriptors() - usable_connections(limits)
    return max(1, min(limits.pending_connections, free))


def _half_of_descriptors() -> int:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return 1 << 20
    return descriptors // 2
