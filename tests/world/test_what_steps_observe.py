"""What steps see and hear while they run, as Buildbot's steps do."""

from __future__ import annotations

from tests.world.written import started

_OBSERVERS = """
from buildbot.process import buildstep

class Picks(util.LogLineObserver):
    '''Copies lines into another log. Its own attributes are its own business.'''
    def __init__(self, log):
        super().__init__()
        self.log = log
    def outLineReceived(self, line):
        if line.startswith('k'):
            self.log.addStdout(line + '\\n')

class Hears(util.LogLineObserver):
    def __init__(self):
        super().__init__()
        self.lines = []
    def outLineReceived(self, line):
        self.lines.append(line)

class Both(buildstep.ShellMixin, steps.BuildStep):
    name = 'both'
    def __init__(self, **kwargs):
        super().__init__(**self.setupShellMixin(kwargs))
    async def run(self):
        picked = await self.addLog('picked')
        hears = Hears()
        self.addLogObserver('picked', hears)
        self.addLogObserver('stdio', Picks(picked))
        command = await self.makeRemoteShellCommand()
        await self.runCommand(command)
        await picked.addStdout('10%\\r20%\\r\\nab\\b\\bcd\\nend')
        await picked.finish()
        self.setProperty('heard', hears.lines, 'test')
        return command.results()

add('both', Both(command=['prints']))
"""


async def test_a_log_that_an_observer_writes_is_observed_by_another() -> None:
    async with started(_OBSERVERS) as ci:
        ci.worker("local").on("prints", output="k1\nx\nk2\n")

        build = await ci.build("both")

        assert (await ci.properties(build))["heard"][0] == [
            *("k1", "k2"),
            *("10%", "20%", "ab", "cd", "end"),
        ]
        assert await ci.text(build, "both", "picked") == "".join(
            f"o{line}\n" for line in ("k1", "k2", "10%\r20%\r", "ab\b\bcd", "end")
        )


_LOOKS = """
class Looks(steps.BuildStep):
    name = 'looks'
    async def run(self):
        request, = self.build.requests
        try:
            self.setProperty(5, 1, 'test')
        except TypeError as error:
            refused = str(error)
        self.setProperty('seen', {
            'number': self.number,
            'reason': request.reason,
            'buildername': request.buildername,
            'branch': request.source.branch,
            'x': request.properties.getProperty('x'),
            'versions': [
                self.workerVersion('nothing', '1.1'),
                self.build.getWorkerCommandVersion('nothing', '1.1'),
                self.workerVersion('shell', '1.1') not in (None, '1.1'),
            ],
            'refused': refused,
        }, 'test')
        return util.SUCCESS

add('looks', sh('true'), Looks())
"""


async def test_a_step_knows_its_number_and_the_requests_of_its_build() -> None:
    async with started(_LOOKS) as ci:
        build = await ci.build("looks")

        seen = (await ci.properties(build))["seen"][0]
        reason = seen.pop("reason")
        assert reason
        assert seen == {
            "number": 2,
            "buildername": "looks",
            "branch": "",
            "x": None,
            "versions": [None, None, True],
            "refused": "the name of a property must be a string, not 5",
        }


_WARNINGS = """
TEXT = '''make[1]: Entering directory '/a'
x.c:5: warning: top
make[2]: Entering directory 'b'
y.c:6: warning: nested
make[2]: Leaving directory 'b'
make[1]: Leaving directory '/a'
v.c:9: warning: out
'''
PATTERN = r'^(.*?):(\\d+): warning: (.*)$'
KIND = steps.WarningCountingShellCommand

def counts(name, suppressions, extractor=KIND.warnExtractFromRegexpGroups):
    return KIND(command=['warns'], name=name, warningPattern=PATTERN, warningExtractor=extractor,
                suppressionList=suppressions)

def from_file(name, number, extractor=KIND.warnExtractFromRegexpGroups):
    return KIND(command=['warns'], name=name, warningPattern=PATTERN, warningExtractor=extractor,
                suppressionFile=f's{number}')

add('counts',
    counts('list 1', [('/a/x.c', None, None, None)]),
    counts('list 2', [('x.c', None, None, None)]),
    counts('list 3', [('/a/b/y.c', None, None, None)]),
    counts('list 4', [(None, 'es', 6, 6)]),
    counts('list 5', [('', '', None, None)]),
    counts('list 6', [('unknown', 'top', None, None)], None),
    counts('list 7', [('unknown', 'top', 5, 5)], None),
    counts('list 8', [('/a', 'said', 10, 13)], lambda step, line, match: ('f', '12', 'said')),
    from_file('file 1', 1), from_file('file 2', 2), from_file('file 3', 3),
    from_file('file 4', 4, None),
    KIND(command=['prints nothing'], name='none'))
"""


async def test_suppressions_match_as_buildbots_do() -> None:
    async with started(_WARNINGS) as ci:
        worker = ci.worker("local")
        worker.on("warns", output=_made("TEXT"))
        files = ["/a/x.c : top : 5", "x.c : top", "/a/b/y.c : nest", "unknown : top\nv : out : 9-9"]
        for number, text in enumerate(files, 1):
            worker.on(f"uploadFile s{number}", values={"content": text.encode()})

        build = await ci.build("counts")

        kept = [
            *(2, 3, 2, 2, 0, 2, 3, 1),
            *(2, 3, 2, 2),
        ]
        names = [f"list {n}" for n in range(1, 9)] + [f"file {n}" for n in range(1, 5)]
        steps = {one["name"]: one for one in await ci.get(f"builds/{build.id}/steps")}
        found = {}
        for name in names:
            logs = await ci.get(f"steps/{steps[name]['stepid']}/logs")
            said = [log["num_lines"] for log in logs if log["name"].startswith("warnings (")]
            found[name] = sum(said)
        assert found == dict(zip(names, kept, strict=True))
        assert (await ci.properties(build))["warnings-count"][0] == sum(kept)


def _made(name: str) -> str:
    return _WARNINGS.split(f"{name} = '''")[1].split("'''")[0]


async def test_a_step_without_warnings_counts_none() -> None:
    async with started(
        "add('none', steps.WarningCountingShellCommand(command=['quiet'], name='quiet'))"
    ) as ci:
        build = await ci.build("none")

        assert (await ci.properties(build))["warnings-count"] == [0, "WarningCountingShellCommand"]
        assert build.result.name == "SUCCESS"


async def test_lines_of_the_header_may_be_warnings_as_in_buildbot() -> None:
    async with started(
        "add('told', steps.WarningCountingShellCommand(command=['quiet', 'warning: here']))"
    ) as ci:
        build = await ci.build("told")

        assert (await ci.properties(build))["warnings-count"][0] == 1


_OLD = """
from buildbot.process.buildstep import LoggingBuildStep, RemoteShellCommand

class Old(LoggingBuildStep):
    name = 'old'
    def start(self):
        self.startCommand(RemoteShellCommand('build', ['prints']))

    def createSummary(self, log):
        status, build = self.step_status, self.step_status.getBuild()
        self.setProperty('seen', {
            'chunks': [list(one) for one in log.getChunks() if one[0] != 2],
            'errors': list(log.getChunks([1], onlyText=True)),
            'builder': build.getBuilder().getName(),
            'steps': [(one.getName(), one.getResults()) for one in build.getSteps()],
            'state': [status.isStarted(), status.isFinished()],
            'branch': build.source.branch,
            'changes': build.source.changes,
            'slave': [self.getProperty('slavename'), self.build.hasProperty('slavename')],
            'source of it': build.properties.getPropertySource('slavename'),
        }, 'test')

add('old', sh('true', name='first'), Old(),
    sh(util.Interpolate('echo %(prop:slavename)s %(prop:slavename:-none)s'), name='words'),
    sh(util.WithProperties('echo %(slavename)s'), name='more'))
"""


async def test_an_old_step_reads_status_objects_and_the_slaves_name() -> None:
    async with started(_OLD) as ci:
        worker = ci.worker("local")
        worker.on("prints", output="one\n", errors="two\n")

        build = await ci.build("old")

        assert (await ci.properties(build))["seen"][0] == {
            "chunks": [[0, "one\n"], [1, "two\n"]],
            "errors": ["two\n"],
            "builder": "old",
            "steps": [["first", [0, []]], ["old", [None, []]]],
            "state": [True, False],
            "branch": "",
            "changes": [],
            "slave": ["local", True],
            "source of it": "Worker",
        }
        assert worker.commands[-2:] == ["sh -c echo local local", "sh -c echo local"]


_READS = """
def read(property_name, **more):
    return steps.SetPropertyFromCommand(command='both', property=property_name, **more)

def told(property_name, **more):
    return steps.SetPropertyFromCommand(
        command='both', extract_fn=lambda rc, out, err: {property_name: [rc, out, err]}, **more)

add('b', read('plain'), read('with-errors', includeStderr=True),
    read('errors', includeStdout=False, includeStderr=True),
    read('nothing', includeStdout=False),
    told('all'), told('of-errors', includeStdout=False))
"""


async def test_a_property_is_the_output_that_was_asked_for() -> None:
    """As Buildbot has it: standard error never gets into a value beside standard output."""
    async with started(_READS) as ci:
        ci.worker("local").on("both", output="said\n", errors="warned\n")
        build = await ci.build("b")
        found = await ci.properties(build)

    expected = {
        "plain": "said",
        "with-errors": "said",
        "errors": "warned",
        "nothing": "",
        "all": [0, "said\n", "warned\n"],
        "of-errors": [0, "", "warned\n"],
    }
    assert {name: found[name][0] for name in expected} == expected
