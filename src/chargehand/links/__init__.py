"""Sockets for the worker protocols."""
