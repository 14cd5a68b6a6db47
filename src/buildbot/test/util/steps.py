"""The mixin for tests of steps as it was called before version 4."""

from __future__ import annotations

from typing import Any

from buildbot.test.steps import TestBuildStepMixin

__all__ = ["BuildStepMixin", "TestBuildStepMixin"]


class BuildStepMixin(TestBuildStepMixin):
    """`TestBuildStepMixin`, with the methods' old names."""

    def setUpBuildStep(self, *args: Any, **kwargs: Any) -> Any:
        """Reset everything."""
        return self.setup_test_build_step()

    def tearDownBuildStep(self) -> Any:
        """Nothing is left to be done."""
        return self.tear_down_test_build_step()

    setUpTestBuildStep = setUpBuildStep
    tearDownTestBuildStep = tearDownBuildStep

    def setupStep(self, step: Any, *args: Any, **kwargs: Any) -> Any:
        """Add a step."""
        renamed = {"wantDefaultWorkdir": "want_default_work_dir"}
        given = {renamed.get(name, name): value for name, value in kwargs.items()}
        return self.setup_step(step, *args, **given)

    def expectCommands(self, *expected: Any) -> None:
        """Say which commands the worker gets."""
        self.expect_commands(*expected)

    def expectOutcome(self, result: int, state_string: str | None = None, **_: Any) -> None:
        """Say how the step ends."""
        self.expect_outcome(result, state_string)

    def expectProperty(self, property: str, value: Any, source: str | None = None) -> None:
        """Say which property the build has in the end."""
        self.expect_property(property, value, source)

    def expectNoProperty(self, property: str) -> None:
        """Say which property the build does not have."""
        self.expect_no_property(property)

    def expectLogfile(self, logfile: str, contents: str) -> None:
        """Say what a log has."""
        self.expect_log_file(logfile, contents)

    def expectHidden(self, hidden: bool = True) -> None:
        """Say whether the step is hidden."""
        self.expect_hidden(hidden)

    def expectException(self, expectedException: type[BaseException]) -> None:
        """Say which exception the step raises."""
        self.expect_exception(expectedException)

    def changeWorkerSystem(self, system: str) -> None:
        """Let the worker run on another system."""
        self.change_worker_system(system)

    def runStep(self) -> Any:
        """Run the steps, and check what was expected."""
        return self.run_step()
