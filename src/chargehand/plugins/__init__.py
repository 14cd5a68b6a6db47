"""Finding what is installed."""
