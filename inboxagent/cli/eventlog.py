"""Event words with their fields as lines on standard error: for a person, a journal, or another program."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from inboxagent.cli.boundary import is_journal
from inboxagent.cli.paper import plain
from inboxagent.outreach.events import ANSWERS, Word
from inboxagent.ports import Observe, Store

# What he wrote is not for logs; `why` quotes it.
HIS_WORDS = ANSWERS | {Word.AUTO_REPLY, Word.HELD, Word.STOPPED, Word.PROPOSED}
FIRST = ("conversation", "address")
LEVELS = {
    "failed": logging.ERROR,
    **dict.fromkeys(("blind", "braked", "uncertain", "sending_stopped", "rule_broken", "refused"), logging.WARNING),
    **dict.fromkeys(("alert_unsent", "alert_unwritten", "status_unwritable", "hook_failed"), logging.WARNING),
}
_PRIORITIES = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}  # syslog(3), as sd-daemon(3) writes them

_log = logging.getLogger("inboxagent")


def begin_log(zone: tzinfo, *, as_json: bool = False) -> None:
    """Send the lines to standard error: the time of day in this zone, the event word, the fields. In a journal, which
    has the time already, the priority in its place; `as_json`: an object a line."""
    lines = logging.StreamHandler(sys.stderr)
    if as_json:
        lines.setFormatter(_Json())
    elif is_journal(2):
        lines.setFormatter(_Journal())
    else:
        times = logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
        times.converter = lambda seconds: datetime.fromtimestamp(seconds or 0, zone).timetuple()
        lines.setFormatter(times)
    _log.handlers[:] = [lines]
    _log.setLevel(logging.INFO)
    _log.propagate = False


class _Journal(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"<{_PRIORITIES[record.levelno]}>{record.getMessage()}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json.dumps({"at": at, "level": record.levelname.lower(), **vars(record)["document"]}, default=str)


def write(word: str, fields: Mapping[str, object]) -> None:
    """A line of the log; the word decides how urgent it is."""
    _log.log(LEVELS.get(word, logging.INFO), "%s", line(word, fields), extra={"document": _document(word, fields)})


def observer(store: Store) -> Observe:
    """What the agent tells its events to: it logs them with the prospect's address."""

    def observe(word: str, fields: Mapping[str, object]) -> None:
        known = store.conversation(str(fields["conversation"])) if "conversation" in fields else None
        whose = {"address": known.enrolment.prospect.address} if known else {}
        write(word, {**fields, **whose})

    return observe


def line(word: str, fields: Mapping[str, object]) -> str:
    """`sent k7f2q anna@prospect.test step=nudge because="accepted: 250"`."""
    shown = _document(word, fields)
    bare = [plain(str(shown[name])) for name in FIRST if name in shown]
    named = [f"{name}={_quoted(value)}" for name, value in shown.items() if name not in ("event", *FIRST)]
    return " ".join((word, *bare, *named))


def _document(word: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields that are for logs, after the word."""
    silent = {"because"} if word in HIS_WORDS else set()
    return {"event": str(word)} | {
        name: value for name, value in fields.items() if name not in silent and value is not None
    }


def _quoted(value: object) -> str:
    text = plain(str(value))
    return '"' + text.replace('"', "'") + '"' if " " in text or not text else text
