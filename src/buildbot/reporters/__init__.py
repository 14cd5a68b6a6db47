"""Reporters: what tells people and other systems of builds."""
