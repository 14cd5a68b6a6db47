"""The machine of a worker that is started on demand."""

from enum import Enum


class InstanceState(Enum):
    """What the machine of an on-demand worker is doing."""

    NOT_SUBSTANTIATED = 0
    """There is no machine."""
    SUBSTANTIATING = 1
    """The machine is being started."""
    SUBSTANTIATING_STARTING = 2
    """The machine was started, and its worker must connect."""
    SUBSTANTIATED = 3
    """The worker is connected."""
    INSUBSTANTIATING = 4
    """The machine is being stopped."""
    INSUBSTANTIATING_SUBSTANTIATING = 5
    """The machine is being stopped, and will be started again."""
    SHUT_DOWN = 6
    """The machine is stopped for good."""
