"""The brake: far too many letters due at once mean that something is wrong, a rule file or a date.

An older copy of the store is such a thing too, however little is due: what went out since is not in it. And so is a
wall clock that was put forward by far: every wait seems to be over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from inboxagent.outreach.admission import Bar
from inboxagent.outreach.limits import Limits
from inboxagent.ports import REWOUND, Clock, Observe, Store

BRAKE = "brake"
BRAKE_RELEASED = "brake_released"
LEAPT = "clock_leapt"
"""The fact that the wall clock was put forward by far. Nothing may go out until she removes it."""
STEADY = "steady_clock"
"""The fact that holds both clocks as they were read once in this boot, and how long it rests after a small leap."""

TOLERATED = timedelta(minutes=1)
BY_FAR = timedelta(hours=1)  # a leap of more than this asks her
REST = timedelta(hours=1)  # after a smaller one: no gap, hourly limit or back-off is longer


class Brake:
    """Holds everything back from the moment too much is due until she releases it; then sets itself again."""

    def __init__(self, limits: Limits, store: Store, clock: Clock, observe: Observe) -> None:
        self._most = limits.brake
        self._rest = max(REST, 2 * limits.gap)
        self._store = store
        self._clock = clock
        self._observe = observe
        self._said: str | None = None

    def holds(self, due: int) -> bool:
        """Whether nothing may go out, with so many letters due now."""
        self._compare_clocks()
        if self._asks_her():
            return True
        released = self._store.fact(BRAKE_RELEASED) is not None
        if due > self._most and not released:
            self._put_on(due)
            return True
        if due <= self._most and (released or self._store.fact(BRAKE) is not None):
            with self._store.transaction("the brake is off") as ledger:
                ledger.remember(BRAKE, None)
                ledger.remember(BRAKE_RELEASED, None)
        return False

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

    def _asks_her(self) -> bool:
        why = next((why for fact, why in _ASKING.items() if self._store.fact(fact) is not None), None)
        if why is not None and why != self._said:
            self._observe("braked", {"because": why})
        self._said = why
        return why is not None

    def _put_on(self, due: int) -> None:
        if self._store.fact(BRAKE) is not None:
            return
        with self._store.transaction("the brake") as ledger:
            ledger.remember(BRAKE, {"at": self._clock.now().isoformat(), "due": due})
        self._observe("braked", {"due": due, "brake": self._most})

    def _compare_clocks(self) -> None:
        """Notice that the wall clock went another way than the boot clock, which nobody sets.

        A leap forward makes every wait and gap look longer than it was; one by far asks her. After a small one, and
        after a leap back, by which the last letters stand in the time to come, it rests until every gap has been as
        long as it should.
        """
        now, boot, steady = self._clock.now(), self._clock.boot(), self._store.fact(STEADY)
        if not isinstance(steady, dict):
            self._note(now, boot, timedelta(0))
            return
        leap = timedelta(0)
        if same_boot := steady["boot_id"] == self._clock.boot_id():
            leap = now - datetime.fromisoformat(steady["at"]) - timedelta(seconds=boot - steady["boot"])
        if same_boot and abs(leap) <= TOLERATED:
            return
        left = max(_rest_of(steady) - (now - leap), timedelta(0)) if "rests_until" in steady else timedelta(0)
        self._note(now, boot, self._rest if same_boot and leap <= BY_FAR else left)
        if leap > BY_FAR:
            with self._store.transaction("the clock was put forward") as ledger:
                ledger.remember(LEAPT, {"at": now.isoformat(), "seconds": leap.total_seconds()})
        elif leap:
            self._observe("clock_leapt", {"seconds": round(leap.total_seconds())})

    def _note(self, now: datetime, boot: float, rest: timedelta) -> None:
        resting = {"rests_until": (now + rest).isoformat()} if rest else {}
        with self._store.transaction("both clocks are noted") as ledger:
            ledger.remember(STEADY, {"boot_id": self._clock.boot_id(), "boot": boot, "at": now.isoformat(), **resting})


_ASKING = {
    REWOUND: "an older copy of the state was put back",
    LEAPT: "the clock of this machine was put forward by more than an hour",
}


def _rest_of(steady: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(steady["rests_until"])
