"""Builds of the last weeks in memory: for strips of recent builds, and for statistics."""
