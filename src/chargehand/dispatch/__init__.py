"""Build requests meet workers: queue, priorities, collapsing, locks."""
