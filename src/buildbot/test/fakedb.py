"""Rows that a test puts into the database of its master::

    yield self.master.db.insert_test_data([
        fakedb.Builder(id=80, name="linux"),
        fakedb.Buildset(id=98, reason="because"),
        fakedb.BuildRequest(id=11, buildsetid=98, builderid=80),
        fakedb.Build(id=20, number=0, buildrequestid=11, builderid=80, results=SUCCESS),
    ])

``master.data.get`` then returns builds, steps, properties … as a running master would. Columns
that a test does not name have a default; an unknown column raises TypeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

_MOMENT = 1_304_262_222
"""2011-05-01, 15:03:42 UTC: when things happen unless a test says otherwise."""


class Row:
    """A row; its columns are attributes."""

    columns: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, **values: Any) -> None:
        if unknown := values.keys() - self.columns.keys():
            known = ", ".join(self.columns)
            raise TypeError(
                f"{type(self).__name__} has no column {', '.join(sorted(unknown))}; it has {known}"
            )
        self.values: dict[str, Any] = {**self.columns, **values}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no column {name!r}") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.values})"


class Master(Row):
    """A master."""

    columns = {"id": None, "name": "some:master", "active": 1, "last_active": _MOMENT}


class Project(Row):
    """A project."""

    columns = {
        "id": None,
        "name": "fake_project",
        "name_hash": None,
        "slug": None,
        "description": None,
        "description_format": None,
        "description_html": None,
    }


class Worker(Row):
    """A worker."""

    columns = {
        "id": None,
        "name": "some:worker",
        "info": {"a": "b"},
        "paused": 0,
        "pause_reason": None,
        "graceful": 0,
    }


class ConfiguredWorker(Row):
    """That a worker may build for a builder: the builder is named by its BuilderMaster."""

    columns = {"id": None, "buildermasterid": None, "workerid": None}


class ConnectedWorker(Row):
    """That a worker is connected to a master."""

    columns = {"id": None, "masterid": None, "workerid": None}


class Builder(Row):
    """A builder."""

    columns = {
        "id": None,
        "name": "some:builder",
        "name_hash": None,
        "projectid": None,
        "description": None,
        "description_format": None,
        "description_html": None,
    }


class BuilderMaster(Row):
    """That a master runs a builder."""

    columns = {"id": None, "builderid": None, "masterid": None}


class Tag(Row):
    """A tag of builders."""

    columns = {"id": None, "name": "some:tag", "name_hash": None}


class BuildersTags(Row):
    """That a builder has a tag."""

    columns = {"id": None, "builderid": None, "tagid": None}


class Scheduler(Row):
    """A scheduler."""

    columns = {"id": None, "name": "schname", "name_hash": None, "enabled": 1}


class SchedulerMaster(Row):
    """That a scheduler is active on a master."""

    columns = {"schedulerid": None, "masterid": None}


class ChangeSource(Row):
    """A change source."""

    columns = {"id": None, "name": "csname", "name_hash": None}


class ChangeSourceMaster(Row):
    """That a change source is active on a master."""

    columns = {"changesourceid": None, "masterid": None}


class Patch(Row):
    """A patch of a source stamp."""

    columns = {
        "id": None,
        "patchlevel": 0,
        "patch_base64": "aGVsbG8sIHdvcmxk",
        "patch_author": None,
        "patch_comment": None,
        "subdir": None,
    }


class SourceStamp(Row):
    """A source stamp."""

    columns = {
        "id": None,
        "branch": "master",
        "revision": "abcd",
        "patchid": None,
        "repository": "",
        "codebase": "",
        "project": "",
        "created_at": _MOMENT,
        "ss_hash": None,
    }


class Change(Row):
    """A change."""

    columns = {
        "changeid": None,
        "author": "frank",
        "committer": "steve",
        "comments": "test change",
        "branch": "master",
        "revision": "abcd",
        "revlink": "",
        "when_timestamp": _MOMENT,
        "category": None,
        "repository": "",
        "codebase": "",
        "project": "",
        "sourcestampid": None,
        "parent_changeids": None,
    }


class ChangeFile(Row):
    """A file of a change."""

    columns = {"changeid": None, "filename": None}


class ChangeProperty(Row):
    """A property of a change; the value is a pair of value and source, as JSON or as it is."""

    columns = {"changeid": None, "property_name": None, "property_value": None}


class ChangeUser(Row):
    """Who made a change."""

    columns = {"changeid": None, "uid": None}


class User(Row):
    """A user."""

    columns = {
        "uid": None,
        "identifier": "soap",
        "bb_username": None,
        "bb_password": None,
    }


class UserInfo(Row):
    """An attribute of a user."""

    columns = {"uid": None, "attr_type": "git", "attr_data": "Tyler Durden <tyler@mayhem.net>"}


class Buildset(Row):
    """A buildset."""

    columns = {
        "id": None,
        "external_idstring": "extid",
        "reason": "because",
        "submitted_at": _MOMENT,
        "complete": 0,
        "complete_at": None,
        "results": -1,
        "parent_buildid": None,
        "parent_relationship": None,
        "rebuilt_buildid": None,
    }


class BuildsetProperty(Row):
    """A property of a buildset; the value is a pair of value and source, as JSON or as it is."""

    columns = {"buildsetid": None, "property_name": None, "property_value": None}


class BuildsetSourceStamp(Row):
    """That a buildset builds a source stamp."""

    columns = {"id": None, "buildsetid": None, "sourcestampid": None}


class BuildRequest(Row):
    """A build request."""

    columns = {
        "id": None,
        "buildsetid": None,
        "builderid": None,
        "priority": 0,
        "complete": 0,
        "results": -1,
        "submitted_at": _MOMENT,
        "complete_at": None,
        "waited_for": 0,
    }


class BuildRequestClaim(Row):
    """That a master builds a request."""

    columns = {"brid": None, "masterid": None, "claimed_at": _MOMENT}


class Build(Row):
    """A build; it is complete when it has ``complete_at``."""

    columns = {
        "id": None,
        "number": 29,
        "buildrequestid": None,
        "builderid": None,
        "workerid": None,
        "masterid": None,
        "started_at": _MOMENT,
        "complete_at": None,
        "locks_duration_s": 0,
        "state_string": "test",
        "results": None,
    }


class BuildProperty(Row):
    """A property of a build."""

    columns = {"buildid": None, "name": "prop", "value": 42, "source": "fakedb"}


class BuildData(Row):
    """Data that a step keeps with a build."""

    columns = {"id": None, "buildid": None, "name": None, "value": b"", "source": None}


class Step(Row):
    """A step of a build; it is complete when it has ``complete_at``."""

    columns = {
        "id": None,
        "number": 29,
        "name": "step29",
        "buildid": None,
        "started_at": _MOMENT,
        "locks_acquired_at": None,
        "complete_at": None,
        "state_string": "",
        "results": None,
        "urls_json": "[]",
        "hidden": 0,
    }


class Log(Row):
    """A log of a step; its text is in its LogChunks."""

    columns = {
        "id": None,
        "name": "log29",
        "slug": None,
        "stepid": None,
        "complete": 0,
        "num_lines": 0,
        "type": "s",
    }


class LogChunk(Row):
    """Lines of a log; those of a log of type ``s`` begin with the letter of their channel."""

    columns = {
        "logid": None,
        "first_line": 0,
        "last_line": 0,
        "content": "",
        "compressed": 0,
    }


class Object(Row):
    """Something that remembers values: a name and a class."""

    columns = {"id": None, "name": "nam", "class_name": "cls"}


class ObjectState(Row):
    """A value that an Object remembers, as JSON."""

    columns = {"objectid": None, "name": "nam", "value_json": "{}"}
