"""``python -m chargehand``."""

from chargehand.cli.main import main

main()
