"""The workers: registry and sessions."""
