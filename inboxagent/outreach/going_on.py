"""How a conversation goes on behind a hold or an answer: whence its wait runs, and before which day no letter goes.

A wait that she, or the rule, set stands in the place of the step's own, and held days do not use it up. A day that was
named, by him or by her, is the earliest: nothing ends it but a command of hers, or, where it is his, that he has
written since and she has answered.
"""

from datetime import datetime, timedelta

from inboxagent.outreach.events import By, Event
from inboxagent.outreach.state import Conversation, Hold, replace


def go_on(c: Conversation, e: Event) -> Conversation:
    """The conversation after `resumed`: by her word, or because the date of a hold has come."""
    if not c.may_resume(e):
        return c
    if e.by is By.AGENT:
        return _held_no_more(c)
    again = e.step or c.again
    c = replace(afresh(c), holds=(), not_before=_named(c, e), clock_at=e.at, clocks=(), wait_until=e.until)
    return replace(c, released=None, soft_bounces=0, again=again, named_by_her=e.is_her_go)


def _named(c: Conversation, e: Event) -> Hold | None:
    """The day before which no letter goes. A command of hers names another one, or none; where the rule lets it go on
    after her answer, it is the latest of those that held it until then, and of those that she had named herself."""
    if e.is_her_go:
        return Hold(at=e.at, until=e.until, because=e.because, hers=True) if e.until else None
    hers = c.not_before if c.not_before and c.not_before.hers else None
    return _latest(*c.holds, hers)


def _latest(*holds: Hold | None) -> Hold | None:
    dated = [(hold.until, place, hold) for place, hold in enumerate(holds) if hold and hold.until]
    return max(dated)[2] if dated else None


def _held_no_more(c: Conversation) -> Conversation:
    """The date of the hold has come."""
    asked = next((hold for hold in reversed(c.holds) if hold.asked), None)
    if asked is not None:
        not_before = _latest(c.not_before, asked)
        return replace(afresh(c), holds=(), not_before=not_before, again=asked.again or c.again)
    rested, clocks = _rested(c), (*c.clocks, c.clock_at)
    return replace(afresh(c), holds=(), clock_at=c.clock_at + rested, clocks=clocks, wait_until=_moved(c, rested))


def _rested(c: Conversation) -> timedelta:
    """Held days do not use up the wait: those since the hold began, or since the touch that came during it."""
    since = max(c.clock_at, min(hold.at for hold in c.holds))
    return max((c.held_until or since) - since, timedelta(0))


def _moved(c: Conversation, rested: timedelta) -> datetime | None:
    """The end of a wait that was set, after a hold; a day that was named, and that the hold has not reached, stays."""
    if c.wait_until is None:
        return None
    named = c.not_before is not None and c.not_before.until == c.wait_until
    reached = c.held_until is None or c.held_until >= c.wait_until
    return c.wait_until + rested if reached or not named else c.wait_until


def afresh(c: Conversation) -> Conversation:
    """What the server put off is another matter once the letter went, or its wait begins anew."""
    return replace(c, retry_at=None, deferred_since=None, deferrals=0)
