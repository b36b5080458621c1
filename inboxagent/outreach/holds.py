"""Until when a message of his holds a conversation, and why: his return, the day he asks for, his promise."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from inboxagent.outreach.decide import workdays_of, zone_of
from inboxagent.outreach.model import Me
from inboxagent.outreach.schedule import add_wait, admit, day_words
from inboxagent.outreach.sequence import ONE_BUSINESS_DAY, THREE_MONTHS, Sequence
from inboxagent.outreach.state import Conversation
from inboxagent.outreach.waits import Wait

WITHOUT_DATE = timedelta(days=7)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose calendar and whose rule say when a hold ends. `now` is when the message arrived, or was read."""

    conversation: Conversation
    sequence: Sequence | None
    me: Me
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The zone that days are meant in."""
        return zone_of(self.conversation, self.sequence, self.me)

    def until_after_return(self, day: date | None) -> tuple[datetime, str]:
        """So long after his return as the rule says, in the window; seven days where no day ahead is known."""
        if day is None or datetime.combine(day, time(12), self.zone) <= self.now:
            lacking = "no date of return in it" if day is None else f"the date of return in it, {_words(day)}, is over"
            return self.now + WITHOUT_DATE, f"{lacking}, so held {WITHOUT_DATE.days} days"
        after = self.sequence.out_of_office if self.sequence else ONE_BUSINESS_DAY
        later = "the business day" if after == ONE_BUSINESS_DAY else str(after)
        return self._morning_after(day, after), f"he is back on {_words(day)}, so held to {later} after"

    def until_asked(self, day: date | None) -> tuple[datetime, str]:
        """The first business morning from the day he asks for; from the end of the rule's `not_now` where he names
        none. It may lie in the past, where his mail was read late."""
        if day is not None:
            return self._morning_after(
                day - DAY, ONE_BUSINESS_DAY
            ), f"held to the first business day from {_words(day)}"
        after = self.sequence.not_now if self.sequence else THREE_MONTHS
        end = self._add(self.now, after).astimezone(self.zone).date()
        return self._morning_after(end - DAY, ONE_BUSINESS_DAY), f"he names no day, so held {after}"

    def until_promised(self, last: date) -> tuple[datetime, str]:
        """The first business morning after the last day of the time he promised; it may lie in the past."""
        because = f"he promises to answer by {_words(last)}, so held to the business day after"
        return self._morning_after(last, ONE_BUSINESS_DAY), because

    def _morning_after(self, day: date, after: Wait) -> datetime:
        end = self._add(datetime.combine(day, time(0), self.zone), after)
        if self.sequence is None:
            return end
        workdays = workdays_of(self.conversation, self.sequence, self.me)
        return admit(end, self.sequence.hours, self.zone, self.conversation.id, False, workdays).at

    def _add(self, since: datetime, wait: Wait) -> datetime:
        return add_wait(since, wait, self.zone, workdays_of(self.conversation, self.sequence, self.me))


def _words(day: date) -> str:
    return f"{day_words(day)} {day.year}"
