"""Schedulers: they create buildsets from changes, timers, and forms."""
