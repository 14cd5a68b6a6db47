"""Reading a ``master.cfg``: the file becomes one value, users' functions become hooks."""
