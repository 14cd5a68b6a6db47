"""Where things are in a master's directory that others than the master look for."""

LOCAL_SOCKET = "control.sock"
"""Where commands of this machine reach the master."""
