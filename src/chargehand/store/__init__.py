"""The store: SQL and log files."""
