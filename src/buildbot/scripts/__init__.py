"""Where older scripts import the command line from."""
