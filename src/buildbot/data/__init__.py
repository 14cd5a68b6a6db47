"""What users' code says to ``master.data``."""
