"""Live events: who wants them, who sees them, and the ways that they are sent."""
