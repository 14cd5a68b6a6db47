"""Protocols between master and workers as state machines: bytes to messages, no sockets.

`addresses` is what both ends hide, whatever they speak.
"""
