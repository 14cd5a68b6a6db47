"""Installed plug-ins."""
