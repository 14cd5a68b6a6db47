"""Who visits the web server, and what they may do."""
