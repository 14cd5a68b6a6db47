"""Access to a running master over REST."""
