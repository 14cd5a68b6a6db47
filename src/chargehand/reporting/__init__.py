"""Results are told."""
