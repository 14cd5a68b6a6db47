"""Logging in and out, and what somebody who is logged in has: sessions and API tokens."""
