"""What a step may raise to say how it ended."""


class BuildStepFailed(Exception):
    """The step is to end as FAILURE."""


class BuildStepCancelled(Exception):
    """The step is to end as CANCELLED."""
