"""What a browser, or another kind of worker, hears at the port for Perspective Broker."""

from __future__ import annotations

WRONG_PORT = b"""\
 This port is for workers that speak Perspective Broker, as buildbot-worker does by default. Those \
created with --protocol=msgpack_experimental_v7 connect to the port of c['protocols'] with this \
name; chargehand-worker and browsers connect to the port of c['www'].\r
"""
"""What follows the offer of dialects, which is sent first; clients show it as an invalid answer."""
