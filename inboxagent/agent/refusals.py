"""Letters refused as spam or by a policy, at the dot or in a report later: the second within a day stops all."""

from datetime import datetime
from zoneinfo import ZoneInfo

from inboxagent.outreach.stoppage import FACT, Stoppage, recent, stop_for_policy, to_fact
from inboxagent.ports import Ledger, Observe

POLICY_REFUSALS = "policy_refusals"


def count_policy_refusal(ledger: Ledger, now: datetime, home: ZoneInfo) -> Stoppage | None:
    """One more letter was refused by a policy; the stoppage that follows from it, already remembered."""
    said = ledger.fact(POLICY_REFUSALS)
    before = [datetime.fromisoformat(each) for each in said] if isinstance(said, list) else []
    refusals = [*recent(before, now), now]
    ledger.remember(POLICY_REFUSALS, [each.isoformat() for each in refusals])
    stopped = stop_for_policy(refusals, now, home)
    if stopped is not None:
        ledger.remember(FACT, to_fact(stopped))
    return stopped


def say_stopped(observe: Observe, stopped: Stoppage | None) -> None:
    """Report that nothing goes out, where that is so."""
    if stopped is not None:
        observe("sending_stopped", {"because": stopped.because, "until": stopped.until.isoformat()})
