"""Dispatching: queues, priorities, collapsing, locks."""
