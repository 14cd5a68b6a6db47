"""``python -m chargehand_worker``, or the path of this file: works without being installed."""

import sys
from pathlib import Path

if not __package__:
    sys.path.append(str(Path(__file__).resolve().parent.parent))

from chargehand_worker.main import main

main()
