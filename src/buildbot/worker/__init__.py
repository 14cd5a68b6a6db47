"""Workers, as a configuration describes them."""

from buildbot.worker.base import AbstractWorker, Worker
from buildbot.worker.latent import AbstractLatentWorker
from buildbot.worker.local import LocalLatentWorker, LocalWorker

__all__ = ["AbstractLatentWorker", "AbstractWorker", "LocalLatentWorker", "LocalWorker", "Worker"]
