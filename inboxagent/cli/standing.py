"""How an account stands: whether its daemon lives and sees, and what keeps everything back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxagent.cli.composition import Composition
from inboxagent.edge.system_lock import holder, is_held
from inboxagent.edge.system_pause import raised_at
from inboxagent.edge.system_state import read_status
from inboxagent.errors import ConfigError, LoginRefused, RuleError, StateDamaged, StateUnwritable

NEED_HER = tuple(error.exit_code for error in (RuleError, StateUnwritable, StateDamaged, LoginRefused, ConfigError))
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one account is, since when, and why."""

    state: str
    since: datetime | None
    last_reading_at: datetime | None
    because: str


def standing(composition: Composition) -> Standing:
    """The worst thing that can be said of the account: stopped, blind, braked, paused, or else ok."""
    said = read_status(composition.status_path) or {}
    last_reading_at = _instant(said.get("last_reading_at"))

    def be(state: str, since: datetime | None, because: str) -> Standing:
        return Standing(state=state, since=since, last_reading_at=last_reading_at, because=because)

    if not is_held(composition.lock_path):
        return be("stopped", _instant(said.get("told_at")), f"no daemon is running{_last_words(said)}")
    if said.get("pid") != holder(composition.lock_path):
        because = "the daemon has only just begun, or cannot write how it is: is the disk full?"
        return be("blind", composition.clock.now(), because)
    if said.get("sight") != "ok":
        return be("blind", _instant(said.get("since")), str(said.get("because", "")))
    if overdue_since := _overdue_since(composition, last_reading_at):
        return be("blind", overdue_since, "the last reading was too long ago")
    if (braked := _braked(composition)) is not None:
        since, because = braked
        return be("braked", since, f"{because}; nothing goes out until: inboxagent release --brake")
    if flags := composition.flags():
        return be("paused", raised_at(flags[0]), f"{flags[0]} is there; end it with: inboxagent resume --all")
    return be("ok", _instant(said.get("since")), "all mailboxes are read")


def _last_words(said: Mapping[str, object]) -> str:
    """How the last daemon ended, and what to do."""
    if not said:
        return "; start it with: inboxagent run"
    ended = f"ended: {said.get('because')}".rstrip(".") if said.get("sight") == "stopped" else "was killed, or crashed"
    remedy = "Put that right, then start" if said.get("exit_code") in NEED_HER else "Start"
    return f"; the last one {ended}. {remedy} it with: inboxagent run"


def _overdue_since(composition: Composition, last_reading_at: datetime | None) -> datetime | None:
    """Since when a reading has been overdue; None where it is not."""
    if last_reading_at is None:
        return composition.clock.now()
    due_at = last_reading_at + 2 * composition.config.watching.poll + GRACE
    return due_at if composition.clock.now() > due_at else None


def _braked(composition: Composition) -> tuple[datetime | None, str] | None:
    """Since when, where that is known, and why the brake is on."""
    from inboxagent.agent.brake import BRAKE, LEAPT
    from inboxagent.ports import REWOUND

    if composition.store.fact(REWOUND) is not None:
        lost = "an older copy of the state was put back, and what went out since is not in it"
        return None, f"{lost}; compare `inboxagent list` with your Sent mailbox"
    leapt = composition.store.fact(LEAPT)
    if isinstance(leapt, dict):
        span = timedelta(seconds=round(leapt["seconds"]))
        wrong = f"the clock of this machine was put forward by {span}, so that every wait seems over"
        return _instant(leapt.get("at")), f"{wrong}; see `inboxagent list`, and that the clock is right"
    fact = composition.store.fact(BRAKE)
    if not isinstance(fact, dict):
        return None
    return _instant(fact.get("at")), f"{fact.get('due')} letters fell due at once"


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
