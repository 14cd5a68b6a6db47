"""Changes become buildsets: on change, on time, on request."""
