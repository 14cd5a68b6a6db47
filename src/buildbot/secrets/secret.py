"""A secret, as providers and the master's secrets service give it."""

from buildbot._host.views.secret_store import SecretDetails

__all__ = ["SecretDetails"]
