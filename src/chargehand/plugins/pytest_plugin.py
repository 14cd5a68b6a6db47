"""A pytest plug-in: in the tests of users' configurations ``import buildbot`` is our API."""

from chargehand.plugins.root import activate


def pytest_load_initial_conftests() -> None:
    """Make the extension API importable before any ``conftest.py`` is read."""
    activate()
