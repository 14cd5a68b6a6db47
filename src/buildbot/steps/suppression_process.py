"""The process that matches the patterns of a suppression file. It imports nothing of ours.

A pattern may take for ever: the master kills the process then, and goes on. It reads one line of
JSON, writes the number of each suppression before it tries it, and at last the suppressed warnings.
"""

from __future__ import annotations

import json
import re
import resource
import sys

_MEMORY = 1024 * 1024 * 1024
_CPU_SECONDS = 120


def main() -> None:
    """Read suppressions and warnings, and write the indexes of the warnings to leave out."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    given = json.loads(sys.stdin.readline())
    left_out: set[int] = set()
    for number, (file, text, first, last) in enumerate(given["suppressions"]):
        print(json.dumps({"tries": number}), flush=True)
        try:
            patterns = re.compile(file), None if text is None else re.compile(text)
        except (re.error, OverflowError, RecursionError) as wrong:
            print(json.dumps({"wrong": str(wrong)}), flush=True)
            return
        for index, warning in enumerate(given["warnings"]):
            if index not in left_out and _covers(patterns, first, last, warning):
                left_out.add(index)
    print(json.dumps({"left_out": sorted(left_out)}), flush=True)


def _covers(
    patterns: tuple[re.Pattern[str], re.Pattern[str] | None],
    first: int | None,
    last: int | None,
    warning: tuple[str | None, int | None, str | None],
) -> bool:
    file, line, text = warning
    if first is not None and last is not None and not (line and first <= line <= last):
        return False
    if file is not None and not patterns[0].match(file):
        return False
    return patterns[1] is None or bool(patterns[1].search(text or ""))


if __name__ == "__main__":
    main()
