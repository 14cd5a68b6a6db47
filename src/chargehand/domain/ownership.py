"""Who may finish or give back a build: the master that claimed it, in the epoch of its claim."""


class NoLongerOurs(Exception):
    """Another master, or a later start of this one, has taken it over; leave it alone."""
