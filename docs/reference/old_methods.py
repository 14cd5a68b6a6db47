"""What replaces old methods of builds, steps and logs, and old keys that have no effect."""

from __future__ import annotations

KEYS_WITHOUT_EFFECT = {
    "buildCacheSize": "it has no effect: caches need no settings",
    "changeCacheSize": "it has no effect: caches need no settings",
    "logCompressionLimit": "it has no effect: workers compress all logs",
}
OF_BUILDS = {
    "build_status": "use the build itself",
    "getBuilder": "use builder",
    "getChanges": "use allChanges()",
    "getNumber": "use number",
    "getReason": "use reason",
    "getResponsibleUsers": "use blamelist()",
    "getResults": "use results",
    "getSlaveName": "use getWorkerName",
    "getSlavename": "use getWorkerName",
    "getSourceStamps": "use getAllSourceStamps()",
    "getSteps": "use executedSteps",
    "getWorkername": "use getWorkerName",
    "slavebuilder": "use workerforbuilder",
    "slavename": "use workername",
    "source": "use getSourceStamp()",
}
OF_STEPS = {
    "addFactoryArguments": "remove it; the constructor's arguments are remembered",
    "buildCommandKwargs": "give the arguments to makeRemoteShellCommand()",
    "buildslave": "use worker",
    "checkSlaveHasCommand": "use checkWorkerHasCommand",
    "commandComplete": "write it after `await self.runCommand(command)` in run()",
    "createSummary": "write it at the end of run(), with a BufferLogObserver for the text",
    "describe": "use getCurrentSummary() and getResultSummary()",
    "evaluateCommand": "use decodeRC, or return the result from run()",
    "failed": "raise an exception in run()",
    "finished": "return the result from run()",
    "getSlaveName": "use getWorkerName",
    "getText": "use getResultSummary()",
    "getText2": "use getResultSummary(), whose key 'build' is for the build's sentence",
    "maybeGetText2": "use getResultSummary(), whose key 'build' is for the build's sentence",
    "setBuildSlave": "use setWorker",
    "setCommand": "give the command to makeRemoteShellCommand()",
    "setStatus": "use getResultSummary()",
    "setupEnvironment": "use the argument env",
    "setupLogfiles": "use the argument logfiles",
    "slaveVersion": "use workerVersion",
    "slaveVersionIsOlderThan": "use workerVersionIsOlderThan",
    "start": "use run(), which returns the result",
    "startCommand": "use `await self.runCommand(command)` in run()",
    "step_status": "use the step's own getResultSummary(), addURL() and setStatistic()",
}
OF_LOGS = {
    "getChunks": "read the log's text through master.data",
    "getText": "use a BufferLogObserver, or master.data",
    "getTextWithHeaders": "use a BufferLogObserver, or master.data",
    "hasContents": "use a LogObserver, or num_lines of the log in master.data",
    "readlines": "use a LogLineObserver",
}
