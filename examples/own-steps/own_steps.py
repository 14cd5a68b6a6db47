"""A step of our own. `chargehand reconfig` reads this module again, as it is beside master.cfg."""

from buildbot.plugins import steps, util
from buildbot.process import logobserver


class CountingObserver(logobserver.LogLineObserver):
    """Counts the lines of output that begin with a word, as they come."""

    def __init__(self, word):
        super().__init__()
        self.word = word
        self.count = 0

    def outLineReceived(self, line):
        if line.startswith(self.word):
            self.count += 1


class Survey(steps.ShellMixin, steps.BuildStep):
    """Runs a command, counts its TODO lines, and turns yellow when there are more than allowed."""

    name = 'survey'
    renderables = ['allowed']

    def __init__(self, allowed=0, **kwargs):
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)
        self.allowed = allowed

    async def run(self):
        observer = CountingObserver('TODO')
        self.addLogObserver('stdio', observer)
        command = await self.makeRemoteShellCommand()
        await self.runCommand(command)
        self.setProperty('todos', observer.count, 'Survey')
        await self.addCompleteLog('summary', f'{observer.count} of {self.allowed} allowed\n')
        if command.didFail():
            return util.FAILURE
        return util.WARNINGS if observer.count > self.allowed else util.SUCCESS

    def getResultSummary(self):
        return {'step': f"{self.getProperty('todos', 0)} TODOs"}
