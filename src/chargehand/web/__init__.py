"""HTTP: REST, live events, pages."""
