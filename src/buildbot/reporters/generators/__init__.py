"""Report generators: which events are reported, and what of."""
