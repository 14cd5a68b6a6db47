"""Events and the bus that delivers them."""
