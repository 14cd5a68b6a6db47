"""Users' code that fails, wherever the master calls it: only what it was for is hurt."""

from __future__ import annotations

import socket

from installed_master import EXCEPTION, SUCCESS, InstalledMaster, Ran, eventually


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _send_change(master: InstalledMaster, port: int, *more: str) -> Ran:
    arguments = ("--master", f"localhost:{port}", "--who", "me", "--branch", "main", *more)
    return master.chargehand("sendchange", "--vc", "git", *arguments, "a.py")


def test_functions_of_schedulers_that_fail_hurt_only_their_scheduler(master: InstalledMaster):
    port = _free_port()
    master.write(f"""
        def bad(*given):
            raise LookupError('no idea')
        class Bad(schedulers.AnyBranchScheduler):
            def gotChange(self, change, important):
                raise LookupError('I do not like it')
        class Cannot(schedulers.AnyBranchScheduler):
            def activate(self):
                raise LookupError('I do not want to')
        c['change_source'] = [changes.PBChangeSource(port='tcp:{port}:interface=127.0.0.1')]
        c['codebaseGenerator'] = bad
        c['revlink'] = bad
        c['schedulers'] = [
            schedulers.AnyBranchScheduler(name='important', builderNames=['b'],
                                          fileIsImportant=bad),
            schedulers.AnyBranchScheduler(name='filter', builderNames=['b'],
                change_filter=util.ChangeFilter(filter_fn=bad)),
            Bad(name='subclass', builderNames=['b']),
            Cannot(name='cannot', builderNames=['b']),
            schedulers.AnyBranchScheduler(name='good', builderNames=['b'], reason='the good one'),
        ]
        add('b', sh('true', name='one'))
        """)
    master.start()

    for revision in ("1", "2"):
        ran = _send_change(master, port, "--revision", revision)
        assert ran.status == 0, ran.text + master.log
    builds = eventually("two builds", lambda: _builds_of_reason(master, "the good one", 2))

    assert [build["results"] for build in builds] == [SUCCESS, SUCCESS]
    assert [change["revision"] for change in master.get("changes?order=changeid")] == ["1", "2"]
    assert len(master.get("buildsets")) == 2
    assert "no idea" in master.log
    assert "I do not like it" in master.log
    assert "scheduler cannot could not be started" in master.log


def _builds_of_reason(master: InstalledMaster, reason: str, count: int) -> list[dict[str, int]]:
    sets = {one["bsid"] for one in master.get("buildsets") if one["reason"] == reason}
    requests = {
        one["buildrequestid"] for one in master.get("buildrequests") if one["buildsetid"] in sets
    }
    builds = [
        build for build in master.get("builds?complete=true") if build["buildrequestid"] in requests
    ]
    return builds if len(builds) == count else []


def test_functions_of_dispatching_that_fail_hurt_only_their_builder(master: InstalledMaster):
    master.write("""
        def bad(*given):
            raise LookupError('no idea')
        c['prioritizeBuilders'] = bad
        add('next', sh('true'), nextBuild=bad)
        add('worker', sh('true'), nextWorker=bad)
        add('start', sh('true'), canStartBuild=bad)
        add('collapse', sh('true'), collapseRequests=bad)
        @util.renderer
        def locks(props):
            raise LookupError('no lock')
        add('locks', sh('true'), locks=locks)
        add('good', sh('true'))
        """)
    master.start()
    stuck = [master.force(name) for name in ("next", "worker", "start", "locks")]
    collapsing = [master.force("collapse") for _ in range(3)]

    assert master.build("good")["results"] == SUCCESS
    assert [master.completed(request)["results"] for request in collapsing] == [SUCCESS] * 3
    for request_id in stuck:
        master.waits(request_id, "function_failed")
    assert "prioritizeBuilders failed" in master.log


def test_a_mended_function_lets_the_requests_go(master: InstalledMaster):
    broken = """
        def start(*given):
            raise LookupError('no idea')
        add('b', sh('true'), canStartBuild=start)
        """
    master.write(broken)
    master.start()
    request_id = master.force("b")
    master.waits(request_id, "function_failed")

    master.write(broken.replace("raise LookupError('no idea')", "return True"))
    assert master.reconfig().status == 0

    assert master.completed(request_id)["results"] == SUCCESS


def test_code_of_builds_that_fails_ends_only_the_build(master: InstalledMaster):
    master.write("""
        from buildbot.process import logobserver
        from buildbot.process.buildstep import BuildStep
        from buildbot.process.results import SUCCESS

        @util.renderer
        def bad(props):
            raise LookupError('no idea')

        class Observer(logobserver.LogLineObserver):
            def outLineReceived(self, line):
                raise LookupError('cannot read that')

        class Observed(steps.ShellCommand):
            def __init__(self, **more):
                super().__init__(**more)
                self.addLogObserver('stdio', Observer())

        class NoSummary(BuildStep):
            def run(self):
                return SUCCESS
            def getResultSummary(self):
                raise LookupError('no words')

        class Factory(util.BuildFactory):
            def newBuild(self, *given):
                raise LookupError('no build')

        class Added(BuildStep):
            def run(self):
                self.build.addStepsAfterCurrentStep(['nonsense'])
                return SUCCESS

        add('properties', sh('true'), properties={'p': bad})
        add('observer', Observed(command=['echo', 'a'], name='one'))
        add('summary', NoSummary(name='one'))
        add('added', Added(name='one'))
        c['builders'].append(util.BuilderConfig(name='factory', workernames=['local'],
                                                factory=Factory([sh('true')])))
        add('good', sh('true'))
        """)
    master.start()

    for name in ("properties", "observer", "summary", "added", "factory"):
        build = master.build(name)
        assert (name, build["results"]) == (name, EXCEPTION)
        assert build["complete"]
        assert all(step["complete"] for step in master.steps(build)), name
    assert master.build("good")["results"] == SUCCESS


def test_services_and_sources_that_fail_do_not_keep_the_master_from_running(
    master: InstalledMaster,
):
    master.write("""
        from buildbot.changes.base import ChangeSource, PollingChangeSource
        from buildbot.util.service import BuildbotService

        class Service(BuildbotService):
            name = 'bad service'
            def startService(self):
                raise LookupError('cannot serve')

        class Source(ChangeSource):
            def activate(self):
                raise LookupError('cannot listen')

        class Poller(PollingChangeSource):
            def poll(self):
                raise LookupError('cannot poll')

        c['services'] = [Service()]
        c['change_source'] = [Source(name='source'),
                              Poller(name='poller', pollInterval=1, pollAtLaunch=True)]
        add('good', sh('true'))
        """)
    master.start()

    assert master.build("good")["results"] == SUCCESS
    for sentence in ("cannot serve", "cannot listen", "cannot poll"):
        eventually(sentence, lambda sentence=sentence: sentence in master.log)
    master.stop()


def test_a_configuration_may_not_end_the_master(master: InstalledMaster):
    master.write("add('good', sh('true'))")
    master.start()
    for line in ("import sys; sys.exit(1)", "raise SystemExit"):
        master.write(f"{line}\nadd('good', sh('true'))")

        ran = master.reconfig()

        assert ran.status == 1, line
        assert master.is_running, line
    assert master.build("good")["results"] == SUCCESS


def test_a_reconfiguration_that_kills_the_master_is_noticed(master: InstalledMaster):
    master.write("add('good', sh('true'))")
    master.start()
    master.write("import os\nos._exit(3)")

    ran = master.reconfig()

    assert ran.status == 1
    assert "the master has ended" in ran.err


def test_a_port_in_use_for_changes_is_said_and_taken_when_it_is_free(master: InstalledMaster):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        master.write(f"""
            c['change_source'] = [changes.PBChangeSource(port='tcp:{port}:interface=127.0.0.1')]
            add('b', sh('true'))
            """)
        master.start()
        assert f"cannot listen on tcp:{port}:interface=127.0.0.1" in master.log
        assert "Traceback" not in master.log

    assert master.reconfig().status == 0

    assert _send_change(master, port).status == 0
    assert len(master.get("changes")) == 1
