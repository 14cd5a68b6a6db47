"""Workers: registry and sessions."""
