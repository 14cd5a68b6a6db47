"""The control plane: what to build, when, where, and what came of it."""
