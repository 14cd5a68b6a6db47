"""Machines with several workers, which are woken for builds and put to sleep after them."""
