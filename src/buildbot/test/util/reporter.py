"""For tests of reporters: builds to report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import outgoing
from buildbot.process.results import SUCCESS
from buildbot.reporters import utils
from buildbot.test import fakedb

__all__ = ["ReporterTestMixin"]

_FIRST_BUILD, _FIRST_BUILDER, _FIRST_REQUEST = 20, 79, 11
_BUILDSET, _STAMP, _WORKER, _MASTER, _CHANGE, _PATCH = 98, 234, 13, 92, 13, 99
_PARENT_BUILD, _PARENT_REQUEST, _PARENT_SET = 19, 10, 97
_COMPLETE_AT = 1_304_262_235


class ReporterTestMixin:
    """For test cases with ``self.master``: puts a build and what belongs to it into the database.

    The build has the identifier 20, and is number 0 of builder 79, ``Builder0``; further builds of
    the same buildset follow as 21, 22 … of builders 80, 81 …. A test changes the attributes
    ``reporter_test_…`` before it inserts.
    """

    master: Any

    TEST_PROJECT: ClassVar[str] = "testProject"
    TEST_REPO: ClassVar[str] = "https://example.org/repo"
    TEST_REVISION: ClassVar[str] = "d34db33fd43db33f"
    TEST_BRANCH: ClassVar[str] = "master"
    TEST_CODEBASE: ClassVar[str] = "cbgerrit"
    TEST_CHANGE_ID: ClassVar[str] = "I5bdc2e500d00607af53f0fa4df661aada17f81fc"
    TEST_BUILDER_NAME: ClassVar[str] = "Builder0"
    TEST_PROPS: ClassVar[Mapping[str, Any]] = {}
    THING_URL: ClassVar[str] = "http://thing.example.com"

    def setup_reporter_test(self) -> None:
        """Take the values of the class; call it in ``setUp``."""
        self.reporter_test_project = self.TEST_PROJECT
        self.reporter_test_repo = self.TEST_REPO
        self.reporter_test_revision = self.TEST_REVISION
        self.reporter_test_branch = self.TEST_BRANCH
        self.reporter_test_codebase = self.TEST_CODEBASE
        self.reporter_test_change_id = self.TEST_CHANGE_ID
        self.reporter_test_builder_name = self.TEST_BUILDER_NAME
        self.reporter_test_thing_url = self.THING_URL
        self.reporter_test_props: dict[str, Any] = {
            "Stash_branch": "refs/heads/master",
            "got_revision": {self.TEST_CODEBASE: self.TEST_REVISION},
            **self.TEST_PROPS,
        }

    @outgoing
    async def insert_build_new(self, **kwargs: Any) -> Any:
        """Insert a build that runs; returns a Deferred of it, with what reporters add."""
        self._insert([None], None, **kwargs)
        return await self._inserted()

    @outgoing
    async def insert_build_finished(self, results: int = SUCCESS, **kwargs: Any) -> Any:
        """Insert a build that has ended; returns a Deferred of it, with what reporters add."""
        self._insert([results], results, complete_at=_COMPLETE_AT, **kwargs)
        return await self._inserted()

    @outgoing
    async def insert_buildrequest_new(self, **kwargs: Any) -> Any:
        """Insert a request that waits; returns a Deferred of it."""
        self._insert([], None, requests=1, **kwargs)
        request = await self.master.data.get(("buildrequests", _FIRST_REQUEST))
        await utils.get_details_for_buildrequest(self.master, request)
        return request

    def insert_test_data(
        self,
        buildResults: Sequence[int | None],
        finalResult: int | None,
        insertSS: bool = True,
        parentPlan: bool = False,
        insert_patch: bool = False,
        **kwargs: Any,
    ) -> None:
        """Insert a buildset with a build for each of the results."""
        self._insert(
            buildResults,
            finalResult,
            insert_ss=insertSS,
            parent_plan=parentPlan,
            insert_patch=insert_patch,
            **kwargs,
        )

    insertTestData = insert_test_data

    @outgoing
    async def get_inserted_buildset(self) -> Any:
        """Return a Deferred of the buildset."""
        return await self.master.data.get(("buildsets", _BUILDSET))

    def setup_fake_get_changes_for_build(self, has_change: bool = True) -> None:
        """Say whether the builds have a change; they have one unless this says otherwise."""
        self.reporter_test_has_change = has_change

    reporter_test_has_change = True

    async def _inserted(self) -> Any:
        build = await self.master.data.get(("builds", _FIRST_BUILD))
        await utils.getDetailsForBuild(self.master, build, want_properties=True)
        return build

    def _insert(
        self,
        build_results: Sequence[int | None],
        final_result: int | None,
        *,
        insert_ss: bool = True,
        parent_plan: bool = False,
        insert_patch: bool = False,
        complete_at: int | None = None,
        requests: int | None = None,
    ) -> None:
        if not hasattr(self, "reporter_test_props"):
            self.setup_reporter_test()
        rows: list[fakedb.Row] = [
            fakedb.Master(id=_MASTER),
            fakedb.Worker(id=_WORKER, name="wrkr"),
            fakedb.Buildset(
                id=_BUILDSET,
                results=-1 if final_result is None else final_result,
                reason="testReason1",
                complete_at=complete_at,
                complete=complete_at is not None,
                parent_buildid=_PARENT_BUILD if parent_plan else None,
            ),
        ]
        if parent_plan:
            rows += _parent()
        if insert_ss:
            rows += self._sources(with_patch=insert_patch)
        for number in range(len(build_results) if requests is None else requests):
            rows += self._request(number)
        for number, result in enumerate(build_results):
            rows += self._build(number, result, complete_at)
        self.master.db.insert_test_data(rows)

    def _sources(self, *, with_patch: bool) -> list[fakedb.Row]:
        source = {
            "branch": self.reporter_test_branch,
            "revision": self.reporter_test_revision,
            "repository": self.reporter_test_repo,
            "codebase": self.reporter_test_codebase,
            "project": self.reporter_test_project,
        }
        rows: list[fakedb.Row] = [
            fakedb.SourceStamp(id=_STAMP, patchid=_PATCH if with_patch else None, **source),
            fakedb.BuildsetSourceStamp(buildsetid=_BUILDSET, sourcestampid=_STAMP),
        ]
        if with_patch:
            rows.append(
                fakedb.Patch(
                    id=_PATCH,
                    patch_author="him@foo",
                    patch_comment="foo",
                    subdir="/foo",
                    patchlevel=3,
                )
            )
        if self.reporter_test_has_change:
            change = {"changeid": _CHANGE, "author": "me@foo", "sourcestampid": _STAMP}
            rows.append(fakedb.Change(**change, **source))
            event = json.dumps([self.reporter_test_change_id, "Change"])
            rows.append(
                fakedb.ChangeProperty(
                    changeid=_CHANGE, property_name="event.change.id", property_value=event
                )
            )
        return rows

    def _request(self, number: int) -> list[fakedb.Row]:
        builder = _FIRST_BUILDER + number
        name = self.reporter_test_builder_name if number == 0 else f"Builder{number}"
        return [
            fakedb.Builder(id=builder, name=name),
            fakedb.BuildRequest(
                id=_FIRST_REQUEST + number, buildsetid=_BUILDSET, builderid=builder
            ),
        ]

    def _build(self, number: int, result: int | None, complete_at: int | None) -> list[fakedb.Row]:
        build, builder = _FIRST_BUILD + number, _FIRST_BUILDER + number
        name = self.reporter_test_builder_name if number == 0 else f"Builder{number}"
        properties = {
            "workername": "wrkr",
            "buildername": name,
            "reason": "testReason1",
            "scheduler": "checkin",
            **self.reporter_test_props,
        }
        return [
            fakedb.Build(
                id=build,
                number=number,
                builderid=builder,
                buildrequestid=_FIRST_REQUEST + number,
                workerid=_WORKER,
                masterid=_MASTER,
                results=result,
                complete_at=complete_at,
                state_string="hello",
            ),
            fakedb.Step(id=50 + number, buildid=build, number=5, name="make"),
            *(
                fakedb.BuildProperty(buildid=build, name=name, value=value)
                for name, value in properties.items()
            ),
        ]


def _parent() -> list[fakedb.Row]:
    builder = _FIRST_BUILDER - 1
    return [
        fakedb.Builder(id=builder, name="Parent"),
        fakedb.Buildset(id=_PARENT_SET, reason="parent"),
        fakedb.BuildRequest(id=_PARENT_REQUEST, buildsetid=_PARENT_SET, builderid=builder),
        fakedb.Build(
            id=_PARENT_BUILD,
            number=1,
            builderid=builder,
            buildrequestid=_PARENT_REQUEST,
            workerid=_WORKER,
            masterid=_MASTER,
        ),
    ]
