"""How long users' code may take to stop."""

STOP_SECONDS = 10.0
"""For ``stopService`` and ``deactivate``: neither a stop nor a reconfiguration waits longer."""
