"""The composition root: makes the stages of a master and wires them together."""
