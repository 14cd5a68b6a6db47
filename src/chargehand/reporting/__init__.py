"""Reports results."""
