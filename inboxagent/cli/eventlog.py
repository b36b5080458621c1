"""Event words with their fields as lines on standard error, for a person, a journal, a log file."""

import logging
import sys
from collections.abc import Mapping
from datetime import datetime, tzinfo

from inboxagent.cli.paper import plain
from inboxagent.outreach.events import ANSWERS, Word
from inboxagent.ports import Observe, Store

# What he wrote is not for logs; `why` quotes it.
HIS_WORDS = ANSWERS | {Word.AUTO_REPLY}
FIRST = ("conversation", "address")

log = logging.getLogger("inboxagent")


def begin_log(zone: tzinfo) -> None:
    """Send the lines to standard error: the time of day in this zone, the event word, the fields."""
    times = logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    times.converter = lambda seconds: datetime.fromtimestamp(seconds or 0, zone).timetuple()
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(times)
    log.handlers[:] = [lines]
    log.setLevel(logging.INFO)
    log.propagate = False


def observer(store: Store) -> Observe:
    """What the agent tells its events to: it logs them with the prospect's address."""

    def observe(word: str, fields: Mapping[str, object]) -> None:
        known = store.conversation(str(fields["conversation"])) if "conversation" in fields else None
        whose = {"address": known.enrolment.prospect.address} if known else {}
        log.info("%s", line(word, {**fields, **whose}))

    return observe


def line(word: str, fields: Mapping[str, object]) -> str:
    """`sent k7f2q anna@prospect.test step=nudge because="accepted: 250"`."""
    bare = [plain(str(fields[name])) for name in FIRST if name in fields]
    silent = {*FIRST, "because"} if word in HIS_WORDS else set(FIRST)
    named = [f"{name}={_quoted(value)}" for name, value in fields.items() if name not in silent and value is not None]
    return " ".join((word, *bare, *named))


def _quoted(value: object) -> str:
    text = plain(str(value))
    return '"' + text.replace('"', "'") + '"' if " " in text or not text else text
