"""How long users' code may take when something ends."""

STOP_SECONDS = 10.0
"""For ``stopService`` and ``deactivate``: neither a stop nor a reconfiguration waits longer."""
