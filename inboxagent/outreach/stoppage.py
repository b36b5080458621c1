"""When nothing may go out for the whole account, because of what her server said: until when, why, and what helps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from inboxagent.outreach.admission import next_day
from inboxagent.outreach.outbox import Fate, Outcome, Phase, back_off

DAY = timedelta(days=1)
FACT = "sending_stopped"  # the name under which the last stoppage is remembered until a letter goes
POLICY_REFUSALS = 2  # within a day: the next letters would only make it worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Stoppage:
    """Nothing goes out before `until`. `tries` counts the refusals in a row; `since` is when the first of them came."""

    since: datetime
    until: datetime
    because: str
    tries: int = 1
    mute: bool = False  # her server takes nothing from her at all: mail cannot tell her of it either


def stop(outcome: Outcome, before: Stoppage | None, now: datetime, home: ZoneInfo) -> Stoppage:
    """What an answer about the whole account means: a back-off that grows, or until tomorrow where only she can help.

    `before` is the stoppage that this one follows without a success in between.
    """
    tries = before.tries + 1 if before else 1
    since = before.since if before else now
    until = next_day(now, home) if outcome.fate is Fate.REFUSED else now + back_off(outcome, tries)
    return Stoppage(since=since, until=until, because=explain(outcome), tries=tries, mute=True)


def explain(outcome: Outcome) -> str:
    """What it means, what was said, and what helps."""
    helps = remedy(outcome)
    return f"{words(outcome)}; {helps}" if helps else words(outcome)


def words(outcome: Outcome) -> str:
    """What we take it for, and the server's own words."""
    return f"{outcome.means}: {outcome.text}" if outcome.means not in ("", outcome.text) else outcome.text


def stop_for_policy(refusals: Iterable[datetime], now: datetime, home: ZoneInfo) -> Stoppage | None:
    """The rest of the day, when the second letter within a day was refused as spam or by a policy; else None."""
    if len(recent(refusals, now)) < POLICY_REFUSALS:
        return None
    because = (
        f"{POLICY_REFUSALS} letters were refused as spam or by a policy within a day; look at what the servers said, "
        "at SPF, DKIM and DMARC of your domain, and at the words of the letters"
    )
    return Stoppage(since=now, until=next_day(now, home), because=because)


def recent(refusals: Iterable[datetime], now: datetime) -> list[datetime]:
    """Those of the last 24 hours."""
    return [at for at in refusals if now - DAY < at <= now]


def remedy(outcome: Outcome) -> str:
    """What she can do about an answer that no waiting mends; empty where waiting does."""
    if outcome.phase is Phase.TLS:
        private = "a private authority has to be named as ca_file"
        return f"see that host, port and security of [smtp] are right; {private}; nothing is ever sent unencrypted"
    if outcome.phase is Phase.CONNECT and outcome.fate is Fate.DEFERRED:
        return "see that host, port and security of [smtp] are right, and that the network is up"
    return _REMEDIES.get(outcome.means, _ASK if outcome.fatal else "")


_ASK = "ask your provider, or see [smtp] in the configuration"
_REMEDIES: Mapping[str, str] = {
    "the provider takes no passwords any more": "the provider wants OAuth 2.0, which is not spoken here",
    "the server wants another kind of log-in": "the account may need an app password, or port and security of [smtp] "
    "another value",
    "the log-in was refused": "see username and password of [smtp]; the account may need an app password",
    "she may not send under this address": "let your provider allow the address of [me] for this log-in",
    "the server does not relay for her": "see username and port of [smtp]: submission is usually 587 or 465, not 25",
    "her own mailbox is full": "make room in your mailbox: copies of what is sent count as well",
    "the sending limit is reached": "all that is left goes out afterwards; a lower per_day in [limits] avoids it",
}


def to_fact(stoppage: Stoppage) -> dict[str, object]:
    """As a JSON value."""
    return {
        "since": stoppage.since.isoformat(),
        "until": stoppage.until.isoformat(),
        "because": stoppage.because,
        "tries": stoppage.tries,
        "mute": stoppage.mute,
    }


def from_fact(fact: object) -> Stoppage | None:
    """The inverse; None for None, and what an older version left out has its default."""
    if not isinstance(fact, dict):
        return None
    until = datetime.fromisoformat(str(fact["until"]))
    since = datetime.fromisoformat(str(fact.get("since", fact["until"])))
    because, tries, mute = str(fact["because"]), int(fact.get("tries", 1)), fact.get("mute") is True
    return Stoppage(since=since, until=until, because=because, tries=tries, mute=mute)
