"""SQL and log files."""
