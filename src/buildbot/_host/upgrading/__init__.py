"""Bringing configurations up to date: Python 2 to Python 3, old names to those of today."""
