"""How a database of an older revision becomes one of the newest; each revision is one module."""
