"""Perspective Broker, as stock Buildbot workers speak it: bytes to messages, no sockets.

`banana` cuts the stream into expressions, `jelly` makes values of them, `connection` exchanges
messages between objects, `login` finds out who connects.
"""
