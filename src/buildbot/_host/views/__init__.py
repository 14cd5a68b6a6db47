"""What users' code sees of the master: ``self.master`` and all that is reached from there."""
