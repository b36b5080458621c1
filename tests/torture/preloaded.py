"""A process that has imported and read what one of the agent does sooner or later, and forks into such ones when it is
asked: a start takes a tenth of the time. Asked for by `Nursery`, a life a line; it tells the number of the process, and
when it has ended its exit code."""

import gc
import os
import sys
import threading
from functools import cache
from importlib import import_module
from typing import Any

from inboxagent.agent.understanding import prepare
from inboxagent.edge import rulefiles
from inboxagent.edge.shipped import find
from inboxagent.outreach.phrases import Phrasebook
from inboxagent.rules.parse import parse_rule
from tests.torture.effects import Life, live

_EDGE = ("imap", "smtp", "enclosures", "store", "people_file", "system_hook", "system_identity", "system_lock")
_COMMANDS = ("commands", "run", "service", "enroll", "enroll_many", "change", "progress", "privacy", "ending")
_read: dict[tuple[str, str], tuple[Phrasebook, Any]] = {}


def _parse_rule_once(path: str, source: str, phrasebook: Phrasebook) -> Any:
    """`parse_rule`, whose answer depends on nothing but what it is given."""
    known = _read.get((path, source))
    if known is None or known[0] != phrasebook:
        known = _read[path, source] = phrasebook, parse_rule(path, source, phrasebook)
    return known[1]


def serve() -> None:
    """One process after the other, until nobody asks any more."""
    for name in (*(f"edge.{each}" for each in _EDGE), *(f"cli.{each}" for each in _COMMANDS)):
        import_module(f"inboxagent.{name}")
    prepare()
    _read_rules()
    gc.freeze()
    for line in sys.stdin:
        life = Life.from_json(line)
        process = os.fork()
        if process == 0:
            _be(life)
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def _read_rules() -> None:
    """Half of a start is the reading of files that never change."""
    rulefiles.parse_phrases = cache(rulefiles.parse_phrases)  # type: ignore[attr-defined]
    rulefiles.parse_rule = _parse_rule_once  # type: ignore[attr-defined]
    phrases = rulefiles.phrasebook(find("rules"))
    for path in rulefiles.rule_files(find("rules")):
        rulefiles.read_rule(path, phrases)


def _be(life: Life) -> None:
    """To its end, as an interpreter ends."""
    code: object = 1
    try:
        live(life)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
