"""Log messages that scripts, also those written for Buildbot, look for."""

READY = "BuildMaster is running"
NOT_RUNNING = " is not running: "
RECONFIGURED = "configuration update complete"
RECONFIGURE_ABORTED = "configuration update aborted without making any changes"
RECONFIGURE_FAILED = "configuration update partially applied; master may malfunction"
