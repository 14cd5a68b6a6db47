"""How each kind of entity is shown: its fields, its paths, its events, and questions about it."""
