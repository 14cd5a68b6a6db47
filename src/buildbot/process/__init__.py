"""Builds, steps, and what they are made of."""
