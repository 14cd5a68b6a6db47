"""Access: allowed hosts and origins, visitors, and what each visitor may see."""
