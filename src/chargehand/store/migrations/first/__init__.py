"""The tables of the first revision, as they were: later revisions alter them."""
