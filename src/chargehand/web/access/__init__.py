"""Who visits: whose pages may talk to us, who a request comes from, and what they see."""
