"""Schedulers: submit buildsets for changes, at certain times, and on request."""
