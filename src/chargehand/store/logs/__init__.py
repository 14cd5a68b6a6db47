"""Logs: records in a row while they are short, in a file when they are long."""
