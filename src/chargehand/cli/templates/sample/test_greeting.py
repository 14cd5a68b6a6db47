"""The sample project's tests."""

import unittest

from greeting import greeting


class GreetingTest(unittest.TestCase):
    """What a greeting is like."""

    def test_it_names_who_is_greeted(self) -> None:
        """The name is in it."""
        self.assertIn("Ada", greeting("Ada"))

    def test_it_is_friendly(self) -> None:
        """It ends with an exclamation mark."""
        self.assertTrue(greeting("Ada").endswith("!"))
