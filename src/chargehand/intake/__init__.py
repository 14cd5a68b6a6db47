"""Changes arrive: pollers and pushes."""
