"""What `doctor` finds out about the clock: whether it is kept right, and whether mail comes from its future."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from inboxagent.cli.composition import Composition
from inboxagent.cli.diagnosis import Diagnosis, Grade
from inboxagent.cli.paper import when

SKEW = timedelta(minutes=2)  # more is not the time that a letter takes
DAY = timedelta(days=1)  # more is not a clock but a letter that somebody filed with a date of its own
REMEDY = "set the clock, and have it kept: timedatectl set-ntp true"


def clock(composition: Composition) -> Iterator[Diagnosis]:
    """Which time it is for her, so that she sees at once whether that is so, and whether it is kept right."""
    now = composition.clock.now()
    says = f"it is {when(now, composition.home, now)} ({composition.config.me.zone})"
    if now.year < 2026:  # older than this program: a machine without a battery, before it has asked for the time
        yield Diagnosis(about="clock", grade=Grade.PROBLEM, says=says, remedy=REMEDY)
    elif is_kept() is False:
        says += ", but nobody keeps the clock right, so that it may come to be early or late"
        yield Diagnosis(about="clock", grade=Grade.WARNING, says=says, remedy="timedatectl set-ntp true")
    else:
        yield Diagnosis(about="clock", grade=Grade.OK, says=says)


def is_kept() -> bool | None:
    """Whether the machine's clock is kept by time servers; None where nobody can tell."""
    if shutil.which("timedatectl") is None:
        return None
    words = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(said)


def compare(arrived: Sequence[datetime], now: datetime) -> list[Diagnosis]:
    """A letter that the server took after `now` says that this clock is late. Letters tell no more than that: of a
    clock that is early they only look older."""
    ahead = max((at - now for at in arrived if at - now < DAY), default=timedelta(0))
    if ahead <= SKEW:
        return []
    minutes = ahead.total_seconds() / 60
    says = f"a letter arrived {minutes:.0f} minutes after now, by the server's clock: this machine's is late by as much"
    return [Diagnosis(about="clock", grade=Grade.WARNING, says=says, remedy=REMEDY)]
