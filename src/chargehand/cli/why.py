"""`why`: why a request is waiting, why a build ran and how it ended, what a change led to."""

from __future__ import annotations

import click
from rich.console import Console

from chargehand.app.failure import CommandFailed
from chargehand.cli.remote.finding import (
    Kind,
    build_named,
    builder_named,
    builder_names,
    change_named,
    latest_build,
    named,
    of_revision,
)
from chargehand.cli.remote.master import NotFound, RemoteMaster
from chargehand.cli.remote.options import json_option, on_a_master, show_json
from chargehand.cli.remote.rows import (
    Build,
    Buildset,
    Change,
    Eta,
    Request,
    SourceStamp,
    Step,
    Why,
    Worker,
)
from chargehand.cli.showing import Expectations, expectations
from chargehand.domain.result import Result
from chargehand.kit.durations import duration

_FINE = (Result.SUCCESS, Result.SKIPPED)
_REQUESTS_SHOWN = 3


@click.command()
@click.argument("what", nargs=-1, required=True)
@json_option
@on_a_master
async def why(master: RemoteMaster, what: tuple[str, ...], as_json: bool) -> None:
    """Explain a build, a request or a change.

    WHAT is BUILDER#NUMBER, BUILDER (its latest build, and requests that wait), build:ID,
    request:ID, change:ID, change:REVISION (or its beginning, also without "change:"), or the
    address of a page.
    """
    text = " ".join(what)
    found = await of_revision(master, named(text))
    if found.kind is Kind.NUMBER:
        raise CommandFailed(
            f'"{text}" is ambiguous: use build:{found.number}, request:{found.number} or '
            f"change:{found.number}"
        )
    explained: dict[str, object]
    if found.kind is Kind.REQUEST:
        explained = await _of_request(master, found.number)
    elif found.kind is Kind.CHANGE:
        explained = await _of_change(master, await change_named(master, found))
    elif found.kind is Kind.BUILDER:
        explained = await _of_builder(master, text)
    else:
        explained = await _of_build(master, await build_named(master, text))
    if as_json:
        show_json(explained)
        return
    console = Console(highlight=False)
    for sentence in _sentences(explained):
        console.print(sentence, markup=False, soft_wrap=True)


async def _of_builder(master: RemoteMaster, name: str) -> dict[str, object]:
    """Explain the builder's latest build, and what waits for it."""
    builder = await builder_named(master, named(name).builder)
    waiting = await master.all(
        Request,
        f"builders/{builder.builderid}/buildrequests",
        complete=False,
        claimed=False,
        order=["-priority", "buildrequestid"],
        limit=_REQUESTS_SHOWN + 1,
    )
    requests = [await _of_request(master, one.buildrequestid) for one in waiting[:_REQUESTS_SHOWN]]
    latest = await latest_build(master, builder)
    if latest is None and not requests:
        raise CommandFailed(f'builder "{builder.name}" has no builds yet, and no requests wait')
    explained = requests[0] if latest is None else await _of_build(master, latest)
    found = requests if latest is None else [explained, *requests]
    sentences = [sentence for one in found for sentence in _sentences(one)]
    if len(waiting) > _REQUESTS_SHOWN:
        sentences.append("More requests wait; list them with: chargehand status")
    return {**explained, "waiting": waiting[:_REQUESTS_SHOWN], "sentences": sentences}


def _sentences(explained: dict[str, object]) -> list[object]:
    sentences = explained["sentences"]
    assert isinstance(sentences, list)
    return sentences


async def _of_request(master: RemoteMaster, number: int) -> dict[str, object]:
    try:
        request = (await master.all(Request, f"buildrequests/{number}"))[0]
    except NotFound as error:
        raise CommandFailed(f"no request {number}") from error
    names = await builder_names(master)
    subject = f"request:{number} for {names.get(request.builderid, request.builderid)}"
    sentences = [await _origin(master, subject, request)]
    builds = await master.all(Build, f"buildrequests/{number}/builds", order="buildid")
    titles = [f"{names.get(build.builderid)}#{build.number}" for build in builds]
    for build, title in zip(builds, titles, strict=True):
        words, result = build.state_string, build.result
        state = f"running ({words})" if result is None else result.described(words)
        sentences.append(f"{title}: {state}.")
    reasons = await master.all(Why, f"buildrequests/{number}/why")
    sentences += [f"Waiting: {reason.sentence}." for reason in reasons]
    if request.complete and not builds and request.results is not None:
        sentences.append(f"Finished without a build: {_without_build(request)}.")
    elif request.is_waiting and not reasons:
        sentences.append("About to start.")
    return {"kind": "request", "request": request, "builds": titles, "sentences": sentences}


def _without_build(request: Request) -> str:
    result = Result(request.results or 0)
    if result is Result.SKIPPED:
        return "a newer identical request was built instead (collapsed)"
    return f"{result.word}: {request.end_reason}" if request.end_reason else result.word


async def _of_build(master: RemoteMaster, build: Build) -> dict[str, object]:
    names = await builder_names(master)
    title = f"{names.get(build.builderid, build.builderid)}#{build.number}"
    request = (await master.all(Request, f"buildrequests/{build.buildrequestid}"))[0]
    worker = build.property("workername") or await _worker_name(master, build)
    sentences = [await _origin(master, title, request)]
    expected = Expectations()
    if build.result is None:
        expected = expectations(await master.all(Eta, f"builds/{build.buildid}/etas"))
        left = f", {expected.build}" if expected.build else ""
        sentences.append(f"Running on worker {worker}: {build.state_string}{left}.")
    else:
        took = duration((build.complete_at or build.started_at) - build.started_at)
        how = build.result.described(build.state_string)
        sentences.append(f"Finished on worker {worker} after {took}: {how}.")
    for step in await master.all(Step, f"builds/{build.buildid}/steps", order="number"):
        if step.result is None and step.started_at is not None:
            state = "" if step.state_string == "running" else f": {step.state_string}"
            left = f", {expected.step}" if expected.step else ""
            sentences.append(f'Step "{step.name}" is running{state}{left}.')
        elif step.result is not None and step.result not in _FINE:
            sentences.append(f'Step "{step.name}": {step.result.described(step.state_string)}.')
            if step.result not in (Result.WARNINGS, Result.CANCELLED):
                sentences.append(f"  See: chargehand logs '{title}' '{step.name}'")
    if build.result is None:
        waits = await master.all(Why, f"builds/{build.buildid}/why")
        sentences += [f"Waiting: {reason.sentence}." for reason in waits]
    later = await master.all(Build, f"buildrequests/{build.buildrequestid}/builds", order="buildid")
    sentences += [f"Retried as #{one.number}." for one in later if one.buildid > build.buildid]
    if build.result is Result.RETRY and request.is_waiting:
        sentences += [
            f"Waiting to be retried: {reason.sentence}."
            for reason in await master.all(Why, f"buildrequests/{request.buildrequestid}/why")
        ]
    return {"kind": "build", "build": build, "sentences": sentences}


async def _worker_name(master: RemoteMaster, build: Build) -> str:
    """Return the name of its worker, which is no property before the worker is started."""
    try:
        workers = await master.all(Worker, f"workers/{build.workerid}")
    except NotFound:
        return ""
    return "".join(worker.name for worker in workers)


async def _origin(master: RemoteMaster, subject: str, request: Request) -> str:
    buildset = (await master.all(Buildset, f"buildsets/{request.buildsetid}"))[0]
    of = ", ".join(filter(None, map(_stamp, buildset.sourcestamps)))
    origin = f"{subject}: {buildset.reason}"
    return f"{origin} ({of})." if of else f"{origin}."


def _stamp(stamp: SourceStamp) -> str:
    parts = [stamp.codebase, stamp.branch or "", (stamp.revision or "")[:12]]
    return " ".join(part for part in parts if part)


async def _of_change(master: RemoteMaster, change: Change) -> dict[str, object]:
    number = change.changeid
    first_line = change.comments.strip().partition("\n")[0]
    of = " ".join(filter(None, [change.branch or "", (change.revision or "")[:12]]))
    sentences = [f"change:{number} ({of}) by {change.author}: {first_line}"]
    try:
        reasons = await master.all(Why, f"changes/{number}/why")
    except CommandFailed:
        reasons = []
    sentences += [reason.sentence for reason in reasons]
    if not reasons:
        names = await builder_names(master)
        builds = await master.all(Build, f"changes/{number}/builds", order="buildid")
        for build in builds:
            state = "running" if build.result is None else build.result.word
            sentences.append(f"{names.get(build.builderid)}#{build.number}: {state}.")
        if not builds:
            sentences.append("No build with this change has started.")
    return {"kind": "change", "change": change, "sentences": sentences}
