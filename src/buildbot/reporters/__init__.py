"""Telling what came of builds: names to come (see ``buildbot.plugins.accepted``)."""
