"""Programs that talk to a master."""
