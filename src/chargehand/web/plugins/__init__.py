"""What plug-ins add to the site: the stock user interface, and the files of its plug-ins."""
