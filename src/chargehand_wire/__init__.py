"""Protocols between master and workers as state machines: bytes to messages, no sockets."""
