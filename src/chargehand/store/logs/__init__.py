"""Logs: short ones in their database row, long ones in a file."""
