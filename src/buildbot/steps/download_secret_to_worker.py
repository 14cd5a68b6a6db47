"""Files of secrets, on the worker while other steps need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import FAILURE, SUCCESS
from buildbot.steps.worker import CompositeStepMixin

__all__ = ["DownloadSecretsToWorker", "RemoveWorkerFileSecret"]

_OWNER_ONLY = 0o600


class DownloadSecretsToWorker(CompositeStepMixin, BuildStep):
    """Write secrets to files on the worker, which only the worker's user can read.

    `RemoveWorkerFileSecret` removes them. ``factory.addSteps(..., withSecrets=[...])`` puts both
    around other steps.

    Args:
        populated_secret_list (list, required, renderable): Pairs of a path on the worker (relative
            to the working directory, or below ``~``) and the text of the file.
    """

    renderables: ClassVar[Any] = ["populated_secret_list"]

    def __init__(self, populated_secret_list: Sequence[tuple[Any, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.populated_secret_list: Any = populated_secret_list

    @outgoing
    async def run(self) -> int:
        """Write the files."""
        for path, secret in self.populated_secret_list:
            write = self.downloadFileContentToWorker
            if not await inward(write, str(path), _text(secret), mode=_OWNER_ONLY):
                self.descriptionDone = [f"write secret file {path}"]
                return FAILURE
        return SUCCESS


class RemoveWorkerFileSecret(CompositeStepMixin, BuildStep):
    """Remove files of secrets from the worker; also when the build has failed.

    Args:
        populated_secret_list (list, required, renderable): What `DownloadSecretsToWorker` got, or
            the paths alone.
        logEnviron (bool): Has no effect: no program is run. Accepted because Buildbot has it.
    """

    renderables: ClassVar[Any] = ["populated_secret_list"]
    alwaysRun = True

    def __init__(
        self, populated_secret_list: Sequence[Any], logEnviron: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.logEnviron = logEnviron
        self.populated_secret_list: Any = populated_secret_list

    @outgoing
    async def run(self) -> int:
        """Remove the files; all that can be, even if one cannot."""
        left = []
        for one in self.populated_secret_list:
            path = str(one if isinstance(one, str) else one[0])
            below = self.build.path_module.join(self.workdir, path)
            place = path if path.startswith("~") else below
            if await inward(self.runRmFile, place, abandonOnFailure=False):
                left.append(path)
        if left:
            self.descriptionDone = [f"remove secret file {', '.join(left)}"]
        return FAILURE if left else SUCCESS


def _text(secret: Any) -> str | bytes:
    return secret if isinstance(secret, bytes) else str(secret)
