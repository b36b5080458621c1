"""The brake: far too many letters due at once mean that something is wrong, a rule file or a date.

An older copy of the store is such a thing too, however little is due: what went out since is not in it. And so is a
wall clock that was put forward by far: every wait seems to be over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from inboxagent.errors import Refused
from inboxagent.outreach.admission import Bar
from inboxagent.outreach.limits import Limits
from inboxagent.ports import REWOUND, Clock, Ledger, Observe, Store

BRAKE = "brake"
"""The fact that too much fell due at once: since when, and how much. Nothing may go out until she removes it."""
RELEASED = "brake_released"
"""The fact that she has removed it: when, and how many letters she knew of."""
RELEASED_FOR = timedelta(days=7)  # a window may be hours away when she looks, and the limits spread what is due
LEAPT = "clock_leapt"
"""The fact that the wall clock was put forward by far. Nothing may go out until she removes it."""
STEADY = "steady_clock"
"""The fact that holds both clocks as they were read once in this boot, and how long it rests after a small leap."""

TOLERATED = timedelta(minutes=1)
BY_FAR = timedelta(hours=1)  # a leap of more than this asks her
REST = timedelta(hours=1)  # after a smaller one: no gap, hourly limit or back-off is longer


class Brake:
    """Holds everything back from the moment too much is due until she releases it.

    That holds for a week, and for as many letters as she knew of: with more than the usual beyond those it asks again.
    """

    def __init__(self, limits: Limits, store: Store, clock: Clock, observe: Observe) -> None:
        self._most = limits.brake
        self._rest = max(REST, 2 * limits.gap)
        self._store = store
        self._clock = clock
        self._observe = observe
        self._said: str | None = None

    def holds(self, due: int) -> bool:
        """Whether nothing may go out, with so many letters due now."""
        if self.asks_her() or self._store.fact(BRAKE) is not None:
            return True
        if due <= self._most + self._released():
            return False
        with self._store.transaction("the brake") as ledger:
            ledger.remember(BRAKE, {"at": self._clock.now().isoformat(), "due": due})
        self._observe("braked", {"due": due, "brake": self._most})
        return True

    def _released(self) -> int:
        """How many letters she has let go beyond the usual."""
        fact = self._store.fact(RELEASED)
        if not isinstance(fact, dict):
            return 0
        age = self._clock.now() - datetime.fromisoformat(fact["at"])
        return int(fact["due"]) if abs(age) < RELEASED_FOR else 0

    def bar(self) -> Bar | None:
        """What a leap of the wall clock keeps back, now that perhaps one more came."""
        self._compare_clocks()
        now = self._clock.now()
        if self._store.fact(LEAPT) is not None:
            return Bar(until=now + REST, because=_ASKING[LEAPT], everybody=True)
        steady = self._store.fact(STEADY)
        if not isinstance(steady, dict) or "rests_until" not in steady or _rest_of(steady) <= now:
            return None
        because = "the clock was set, so nobody knows how long ago the last letters went"
        return Bar(until=_rest_of(steady), because=because, everybody=True)

    def asks_her(self) -> bool:
        """Whether she has to say first that the clock, or the state, is right: nothing is decided by it until then."""
        self._compare_clocks()
        why = next((why for fact, why in _ASKING.items() if self._store.fact(fact) is not None), None)
        if why is not None and why != self._said:
            self._observe("braked", {"because": why})
        self._said = why
        return why is not None

    def _compare_clocks(self) -> None:
        """Notice that the wall clock went another way than the boot clock, which nobody sets.

        A leap forward makes every wait and gap look longer than it was; one by far asks her. After a small one, and
        after a leap back, by which the last letters stand in the time to come, it rests until every gap has been as
        long as it should.
        """
        now, boot, steady = self._clock.now(), self._clock.boot(), self._store.fact(STEADY)
        if not isinstance(steady, dict):
            self._note(now, boot, timedelta(0), timedelta(0))
            return
        leap = timedelta(0)
        if same_boot := steady["boot_id"] == self._clock.boot_id():
            leap = now - datetime.fromisoformat(steady["at"]) - timedelta(seconds=boot - steady["boot"])
        if same_boot and abs(leap) <= TOLERATED:
            return
        left = max(_rest_of(steady) - (now - leap), timedelta(0)) if "rests_until" in steady else timedelta(0)
        self._note(now, boot, self._rest if same_boot and leap <= BY_FAR else left, leap)
        if leap and leap <= BY_FAR:
            self._observe("clock_leapt", {"seconds": round(leap.total_seconds())})

    def _note(self, now: datetime, boot: float, rest: timedelta, leap: timedelta) -> None:
        """Both in one transaction: where the clocks were noted already, nobody would ask about the leap any more."""
        resting = {"rests_until": (now + rest).isoformat()} if rest else {}
        with self._store.transaction("both clocks are noted") as ledger:
            ledger.remember(STEADY, {"boot_id": self._clock.boot_id(), "boot": boot, "at": now.isoformat(), **resting})
            if leap > BY_FAR:
                ledger.remember(LEAPT, {"at": now.isoformat(), "seconds": leap.total_seconds()})


def release(ledger: Ledger, now: datetime) -> int:
    """Let everything go that the brake holds back, whatever for; returns how many letters it said were due, where it
    did. Raises `Refused` where it is not on."""
    facts = {name: ledger.fact(name) for name in (BRAKE, *_ASKING)}
    if not any(facts.values()):
        raise Refused("the brake is not on")
    for name in facts:
        ledger.remember(name, None)
    brake = facts[BRAKE]
    due = int(brake["due"]) if isinstance(brake, dict) else 0
    if due:
        ledger.remember(RELEASED, {"at": now.isoformat(), "due": due})
    return due


_ASKING = {
    REWOUND: "an older copy of the state was put back",
    LEAPT: "the clock of this machine was put forward by more than an hour",
}


def _rest_of(steady: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(steady["rests_until"])
