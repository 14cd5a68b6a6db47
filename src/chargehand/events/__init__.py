"""Telling the rest what happened."""
