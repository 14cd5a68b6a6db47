"""Identifiers: integers from the database, each with its own type."""

from typing import NewType

ChangeId = NewType("ChangeId", int)
SourceStampId = NewType("SourceStampId", int)
BuildsetId = NewType("BuildsetId", int)
RequestId = NewType("RequestId", int)
BuildId = NewType("BuildId", int)
BuilderId = NewType("BuilderId", int)
StepId = NewType("StepId", int)
LogId = NewType("LogId", int)
TestResultSetId = NewType("TestResultSetId", int)
WorkerId = NewType("WorkerId", int)
InstanceId = NewType("InstanceId", int)
MasterId = NewType("MasterId", int)
SchedulerId = NewType("SchedulerId", int)
ChangeSourceId = NewType("ChangeSourceId", int)
ProjectId = NewType("ProjectId", int)
CommandId = NewType("CommandId", str)

Timestamp = float
"""Seconds since 1970, UTC, as in the database and the REST API."""
