"""Logs: segments of whole lines, limits, and writers."""
