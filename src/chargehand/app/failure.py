"""Errors of commands."""


class CommandFailed(Exception):
    """The command failed. The message tells the user why, and what to do."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class PartlyApplied(CommandFailed):
    """The database failed during a reconfiguration, which must be repeated."""
