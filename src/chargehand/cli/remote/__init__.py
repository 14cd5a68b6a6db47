"""What commands do with a running master, over REST."""
