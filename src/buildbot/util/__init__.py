"""Small functions that configurations and plug-ins use: text, time, lists, comparison."""

import json

from buildbot._border.comparison import ComparableMixin
from buildbot._border.deferreds import asyncSleep, deferredLocked, in_reactor
from buildbot._border.sequences import (
    dictionary_merge,
    diffSets,
    flatten,
    flattened_iterator,
    join_list,
    makeList,
    naturalSort,
)
from buildbot._border.text import (
    NotABranch,
    ascii2unicode,
    bytes2unicode,
    command_to_string,
    none_or_str,
    rewrap,
    safeTranslate,
    string2boolean,
    stripUrlPassword,
    unicode2bytes,
)
from buildbot._border.times import (
    UTC,
    datetime2epoch,
    epoch2datetime,
    formatInterval,
    fuzzyInterval,
    human_readable_delta,
    now,
    toJson,
)
from buildbot.util.giturlparse import giturlparse
from buildbot.util.notifier import Notifier

__all__ = [
    "UTC",
    "ComparableMixin",
    "NotABranch",
    "Notifier",
    "ascii2unicode",
    "asyncSleep",
    "bytes2unicode",
    "command_to_string",
    "datetime2epoch",
    "deferredLocked",
    "dictionary_merge",
    "diffSets",
    "epoch2datetime",
    "flatten",
    "flattened_iterator",
    "formatInterval",
    "fuzzyInterval",
    "giturlparse",
    "human_readable_delta",
    "in_reactor",
    "join_list",
    "json",
    "makeList",
    "naturalSort",
    "none_or_str",
    "now",
    "rewrap",
    "safeTranslate",
    "string2boolean",
    "stripUrlPassword",
    "toJson",
    "unicode2bytes",
]
