"""How a command says that it could not do its work."""


class CommandFailed(Exception):
    """The command could not do its work. The message tells the user why, and what to do."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class PartlyApplied(CommandFailed):
    """The database failed in the middle of a reconfiguration, which is to be repeated later."""
