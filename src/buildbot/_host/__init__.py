"""Our side of the border: what lets users' code and the engine work together."""
