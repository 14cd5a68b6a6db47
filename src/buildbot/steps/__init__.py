"""The steps that come with Chargehand, under Buildbot's names."""
