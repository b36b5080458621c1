"""The brake: far too many letters due at once mean that something is wrong, a clock or a rule file.

An older copy of the store is such a thing too, however little is due: what went out since is not in it.
"""

from inboxagent.ports import REWOUND, Clock, Observe, Store

BRAKE = "brake"
BRAKE_RELEASED = "brake_released"


class Brake:
    """Holds everything back from the moment too much is due until she releases it; then sets itself again."""

    def __init__(self, most: int, store: Store, clock: Clock, observe: Observe) -> None:
        """`most` letters may be due at once."""
        self._most = most
        self._store = store
        self._clock = clock
        self._observe = observe
        self._said_rewound = False

    def holds(self, due: int) -> bool:
        """Whether nothing may go out, with so many letters due now."""
        if self._is_rewound():
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

    def _is_rewound(self) -> bool:
        rewound = self._store.fact(REWOUND) is not None
        if rewound and not self._said_rewound:
            self._observe("braked", {"because": "an older copy of the state was put back"})
        self._said_rewound = rewound
        return rewound

    def _put_on(self, due: int) -> None:
        if self._store.fact(BRAKE) is not None:
            return
        with self._store.transaction("the brake") as ledger:
            ledger.remember(BRAKE, {"at": self._clock.now().isoformat(), "due": due})
        self._observe("braked", {"due": due, "brake": self._most})
