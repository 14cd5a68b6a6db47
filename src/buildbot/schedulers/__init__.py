"""Schedulers: what makes buildsets of changes, times, and people's wishes."""
