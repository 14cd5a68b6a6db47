"""Change sources: pollers and pushes."""
