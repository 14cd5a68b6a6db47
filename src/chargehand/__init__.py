"""The control plane: what to build, when and where, and the results."""
