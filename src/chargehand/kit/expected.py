"""Failures that a running master expects."""


class Expected(Exception):
    """The message says everything; the log gets one line, without a traceback."""
