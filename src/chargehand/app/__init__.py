"""The composition root: creates the stages of a master and connects them."""
