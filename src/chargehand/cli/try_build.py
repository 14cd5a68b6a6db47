"""`try`: build what has been changed in a working copy before it is committed."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.cli.developer_options import developer_options
from chargehand.cli.working_copy import LocalChanges, Wanted, local_changes
from chargehand.domain.result import Result
from chargehand.plugins.root import activate

_OLD_NAMES = {
    "builders": ("try_builders",),
    "diff": ("try_diff",),
    "dryrun": ("try_dryrun",),
    "get_builder_names": ("try_getbuildernames", "try_get_builder_names"),
    "jobdir": ("try_jobdir", "try_dir"),
    "master": ("try_master", "masterstatus"),
    "passwd": ("try_password", "try_passwd"),
}
"""How the options file calls what is not just "try_" and the name."""
_PASSED = (Result.SUCCESS, Result.WARNINGS, Result.SKIPPED)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent."""

    changes: LocalChanges
    builders: Sequence[str] | None
    who: str | None
    comment: str | None
    properties: dict[str, str]

    def shown(self) -> str:
        """Return it for people."""
        changes = self.changes
        lines = (
            "Job:",
            f"\tRepository: {changes.repository}",
            f"\tBranch: {changes.branch}",
            f"\tRevision: {changes.revision}",
            f"\tBuilders: {', '.join(self.builders) if self.builders else 'all'}",
            changes.patch.decode("utf-8", "replace"),
        )
        return "\n".join(lines)

    def written(self) -> bytes:
        """Return it as `tryserver` takes it."""
        changes = self.changes
        job: dict[str, Any] = {
            "jobid": f"{time.time():.6f}-{os.getpid()}",
            "branch": changes.branch,
            "baserev": changes.revision,
            "patch_level": changes.patch_level,
            "repository": changes.repository,
            "project": "",
            "who": self.who,
            "comment": self.comment,
            "builderNames": self.builders,
            "properties": self.properties,
        }
        version = b"5"  # Older masters do not know 6, which a patch that is no text needs.
        try:
            job["patch_body"] = changes.patch.decode()
        except UnicodeDecodeError:
            version = b"6"
            job["patch_body_base64"] = b64encode(changes.patch).decode()
        return b"".join(b"%d:%s," % (len(one), one) for one in (version, json.dumps(job).encode()))


@click.command("try")
@click.option("-c", "--connect", type=click.Choice(["ssh", "pb"]), help="How to reach the master.")
@click.option("-m", "--master", help="Address of the Try_Userpass, HOST:PORT (pb).")
@click.option("-u", "--username", help="Your name there.")
@click.option("--passwd", help="Your password (pb); asked for, unless the options file has it.")
@click.option("--host", help="The master's machine (ssh).")
@click.option("--port", type=int, help="Its port for ssh.")
@click.option("--ssh", help="The program to use as ssh.")
@click.option("--jobdir", help="The directory of the Try_Jobdir there (ssh).")
@click.option("--buildbotbin", help="The program to call there (ssh; default: buildbot).")
@click.option("-b", "--builder", "builders", multiple=True, help="A builder; may be repeated.")
@click.option("--vc", help="Version-control system of the working copy: git, hg, or svn.")
@click.option("--branch", help="Branch to build, where it is not the one checked out.")
@click.option("--baserev", help="Revision that the patch is for, where it is not the last pushed.")
@click.option("--repository", help="Repository to name instead of the working copy.")
@click.option("--topfile", help="Name of a file at the top of the working copy.")
@click.option("--topdir", type=click.Path(), help="The top of the working copy.")
@click.option("--diff", help="File with a patch to send instead (-: stdin).")
@click.option("-p", "--patchlevel", type=int, help="Parts of its paths to leave out, as for patch.")
@click.option("-w", "--who", help="Who is responsible for the changes.")
@click.option("-C", "--comment", help="Comment shown with the builds.")
@click.option("--property", "property_", multiple=True, help="NAME=VALUE; may be repeated.")
@click.option("--properties", multiple=True, help="NAME=VALUE,NAME=VALUE…; may be repeated.")
@click.option("--wait", is_flag=True, default=None, help="Wait for the builds (pb).")
@click.option("-n", "--dryrun", is_flag=True, default=None, help="Show the job; do not send it.")
@click.option("--get-builder-names", is_flag=True, default=None, help="List the builders (pb).")
@click.option("-q", "--quiet", is_flag=True, default=None, help="Do not show steps while waiting.")
def try_(**given: Any) -> int:
    """Build what you have changed and not yet pushed.

    What is not given is taken from the file .buildbot/options of this directory, of one above it,
    or of your home directory: Python, such as try_connect = 'pb'.
    """
    options = _with_defaults(given, developer_options(Path.cwd(), Path.home()))
    connect = options["connect"]
    if connect is None:
        raise click.UsageError("say how to reach the master: --connect=pb or --connect=ssh")
    _check_reachable(options)
    click.echo(f"using '{connect}' connect method")
    if options["get_builder_names"]:
        return _list_builders(options)
    job = _job(options)
    if not job.changes.patch.strip():
        click.echo("WARNING: There is no patch to try, diff is empty.")
    click.echo("job created")
    if options["dryrun"]:
        click.echo(job.shown())
        return 0
    return _deliver_by_ssh(options, job) if connect == "ssh" else _deliver_by_pb(options, job)


def _with_defaults(given: dict[str, Any], file: dict[str, object]) -> dict[str, Any]:
    options = dict(given)
    for name, value in given.items():
        if value is None or value == ():
            names = _OLD_NAMES.get(name, (f"try_{name}",))
            options[name] = next((file[one] for one in names if file.get(one)), value)
    return options


def _check_reachable(options: dict[str, Any]) -> None:
    if options["connect"] == "pb":
        if not options["master"]:
            raise click.UsageError("--connect=pb needs the master: --master=HOST:PORT")
        if not options["username"]:
            raise click.UsageError("--connect=pb needs your name there: --username=NAME")
        return
    if options["get_builder_names"]:
        raise click.UsageError("--get-builder-names is possible with --connect=pb only")
    if not (options["host"] and options["jobdir"]):
        raise click.UsageError("--connect=ssh needs --host=HOST and --jobdir=DIRECTORY")


def _job(options: dict[str, Any]) -> Job:
    changes = _from_file(options) if options["diff"] else _from_working_copy(options)
    if options["repository"]:
        changes = msgspec.structs.replace(changes, repository=options["repository"])
    pairs = [pair for many in options["properties"] for pair in many.split(",")]
    return Job(
        changes=changes,
        builders=list(options["builders"]) or None,
        who=options["who"],
        comment=options["comment"],
        properties=dict(map(_pair, [*pairs, *options["property_"]])),
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise click.UsageError(f'a property must be NAME=VALUE, not "{text}"')
    return name, value


def _from_file(options: dict[str, Any]) -> LocalChanges:
    file = options["diff"]
    return LocalChanges(
        branch=options["branch"],
        revision=options["baserev"],
        patch_level=options["patchlevel"] or 0,
        patch=sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes(),
        repository="",
    )


def _from_working_copy(options: dict[str, Any]) -> LocalChanges:
    if not options["vc"]:
        raise click.UsageError("say what the working copy is of: --vc=git, hg, or svn")
    top = _top(options)
    wanted = Wanted(branch=options["branch"], revision=options["baserev"], top=top)
    changes = local_changes(options["vc"], top or Path.cwd(), wanted)
    if options["patchlevel"] is not None:
        return msgspec.structs.replace(changes, patch_level=options["patchlevel"])
    return changes


def _top(options: dict[str, Any]) -> Path | None:
    if options["topdir"]:
        return Path(options["topdir"]).expanduser().resolve()
    if not options["topfile"]:
        return None
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / options["topfile"]).exists():
            return place
    raise CommandFailed(f'no directory above has a file "{options["topfile"]}"')


def _deliver_by_ssh(options: dict[str, Any], job: Job) -> int:
    command = shlex.split(options["ssh"] or "ssh")
    command += ["-l", str(options["username"])] if options["username"] else []
    command += ["-p", str(options["port"])] if options["port"] else []
    program = options["buildbotbin"] or "buildbot"
    remote = [*shlex.split(program), "tryserver", "--jobdir", str(options["jobdir"])]
    command += [options["host"], *map(shlex.quote, remote)]  # A shell there reads them.
    done = subprocess.run(command, input=job.written(), check=False)
    if done.returncode:
        raise CommandFailed(
            f'"{shlex.join(remote)}" on {options["host"]} failed with exit code {done.returncode}: '
            "the job was not delivered"
        )
    click.echo("job has been delivered")
    if options["wait"]:
        click.echo("waiting for builds with ssh is not supported")
    else:
        click.echo("not waiting for builds to finish")
    return 0


def _deliver_by_pb(options: dict[str, Any], job: Job) -> int:
    changes = job.changes

    def tell(line: str) -> None:
        if not options["quiet"]:
            click.echo(line)

    sent = _asked(
        options,
        lambda master: master.deliver(
            branch=changes.branch,
            revision=changes.revision,
            patch=(changes.patch_level, changes.patch),
            repository=changes.repository,
            builder_names=job.builders,
            who=job.who,
            comment=job.comment,
            properties=job.properties,
            delivered=lambda: click.echo("job has been delivered"),
            tell=tell if options["wait"] else None,
        ),
    )
    if not options["wait"]:
        click.echo("not waiting for builds to finish")
        return 0
    click.echo("All Builds Complete")
    for build in sent:
        click.echo(f"{build.builder}: {Result(build.results).word} ({build.summary})")
    return 0 if all(build.results in _PASSED for build in sent) else 1


def _list_builders(options: dict[str, Any]) -> int:
    click.echo("The following builders are available for the try scheduler: ")
    for name in _asked(options, lambda master: master.builder_names()):
        click.echo(name)
    return 0


def _asked(options: dict[str, Any], question: Callable[[Any], Any]) -> Any:
    """Ask a master something that is awaited."""
    password = options["passwd"] or click.prompt("Password", hide_input=True)
    activate()
    client = import_module("buildbot.clients.tryclient")
    master = client.TryMaster(options["master"], options["username"], password)
    try:
        return asyncio.run(question(master))
    except client.NotDelivered as error:
        raise CommandFailed(str(error)) from None
