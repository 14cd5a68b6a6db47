"""What the machine of a latent worker is doing."""

from __future__ import annotations

import enum


class States(enum.Enum):
    """What a latent worker's machine is doing."""

    NOT_SUBSTANTIATED = 0
    """There is no machine."""
    SUBSTANTIATING = 1
    """``start_instance`` is running."""
    SUBSTANTIATING_STARTING = 2
    """``start_instance`` has returned, and the worker must connect."""
    SUBSTANTIATED = 3
    """The worker is connected."""
    INSUBSTANTIATING = 4
    """``stop_instance`` is running."""
    INSUBSTANTIATING_SUBSTANTIATING = 5
    """``stop_instance`` is running, and a build waits for the next start."""
    SHUT_DOWN = 6
    """The machine is stopped for good."""
