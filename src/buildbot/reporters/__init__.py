"""Reporters: accepted, not supported yet (see ``buildbot.plugins.accepted``)."""
