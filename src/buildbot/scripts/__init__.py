"""Where scripts of old import the command line from."""
