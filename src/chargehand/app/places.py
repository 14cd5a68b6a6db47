"""Paths in a master's directory that other programs use."""

LOCAL_SOCKET = "control.sock"
"""The socket for commands on this machine."""
