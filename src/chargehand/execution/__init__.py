"""Builds run their steps: commands, logs, results."""
