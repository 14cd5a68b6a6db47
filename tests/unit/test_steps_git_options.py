"""What a change or a form says becomes no option of git."""

from contextlib import nullcontext
from typing import Any

import pytest
from step_workshop import StepWorkshop

from buildbot.config.errors import ConfigErrors
from buildbot.steps.source.git import Git
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.testing.execution import sources_of


@pytest.mark.parametrize("stamp", [{"branch": "--upload-pack=touch x"}, {"revision": "--orphan=x"}])
async def test_a_branch_or_revision_that_looks_like_an_option_is_refused(
    stamp: dict[str, Any],
) -> None:
    workshop = StepWorkshop(
        Git(repourl="/srv/project.git"), sources=sources_of(SourceStamp(**stamp))
    )

    build = await workshop.run()

    assert build.result in (Result.FAILURE, Result.EXCEPTION)
    assert "git would take it as an option" in workshop.logs.text("stdio")
    assert not any("--" in str(c.arguments.get("command")) for c in workshop.session.commands)


@pytest.mark.parametrize(("mode", "is_refused"), [("incremental", False), ("full", True)])
def test_a_method_that_does_not_exist_is_refused_where_it_is_used(
    mode: str, is_refused: bool
) -> None:
    with pytest.raises(ConfigErrors) if is_refused else nullcontext():
        Git(repourl="/srv/project.git", mode=mode, method="clone")
