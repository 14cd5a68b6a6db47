"""Telling people and services what came of builds: names to come (``buildbot.plugins.accepted``)."""
