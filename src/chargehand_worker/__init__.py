"""The agent: it owns the processes of builds, and talks with the master."""
