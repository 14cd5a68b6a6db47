"""The plain pages, rendered here."""
