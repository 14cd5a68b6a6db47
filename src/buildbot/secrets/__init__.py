"""Secrets: values that are not written in the configuration."""
