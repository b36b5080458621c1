"""When letters may go, as the judge reckons it: what a file means for a person, on the naive calendar."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from inboxagent.outreach.decide import Wait, decide
from inboxagent.outreach.events import Word
from inboxagent.outreach.hours import ALL_DAY
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Do, Sequence, Step
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.waits import Delay
from tests.simulation import almanac
from tests.simulation.authoring import CONDITIONS
from tests.simulation.cases import Commit, Dot
from tests.simulation.judge import Judge
from tests.simulation.people import Person

HOME = ZoneInfo("Europe/Stockholm")
HOUR, DAY = 3_600.0, 86_400.0


def has_no_touch(conversation: Conversation) -> bool:
    """Whether the next step is the first word of all: there is nothing that its wait could run from."""
    return conversation.touches == 0 and conversation.latest is None and not conversation.passed


def calendar_of(
    judge: Judge, conversation: Conversation, sequence: Sequence, step: Step
) -> tuple[Delay, ZoneInfo, almanac.Days, Mapping[str, date]]:
    """What the date of a step depends on, as the naive calendar takes it."""
    person, me = judge.person_of(conversation), judge.world.account.me
    pace = conversation.enrolment.pace or sequence.pace
    assert step.wait is not None
    known = {"event_on": date.fromisoformat(person.card["event_on"])}
    return almanac.paced(step.wait, pace), zone_of(person, sequence), days_of(person, sequence, me), known


def zone_of(person: Person, sequence: Sequence) -> ZoneInfo:
    """Where the hours of the file are meant."""
    name = {"prospect": person.zone or HOME.key, "me": HOME.key}.get(sequence.hours.zone, sequence.hours.zone)
    return ZoneInfo(name)


def days_of(person: Person, sequence: Sequence, me: Me) -> almanac.Days:
    """Which days are closed between these two."""
    meant = {"me": me.country, "prospect": person.card.get("country", "")}
    regions = [meant.get(each, each) for each in sequence.hours.holidays]
    return almanac.Days(
        regions=tuple(dict.fromkeys(each for each in regions if each)),
        quiet=tuple((each.first, each.last) for each in sequence.hours.quiet),
        absent=tuple((each.first, each.last) for each in me.absent),
    )


def not_for(person: Person, sequence: Sequence, step: Step, at: datetime) -> str | None:
    """Why a step is passed over when it would leave then."""
    if step.condition is not None and not CONDITIONS[step.condition](person.card):
        return f"not: {step.condition}"
    if step.expires is not None:
        last = date.fromisoformat(person.card["event_on"])
        if at.astimezone(zone_of(person, sequence)).date() > last:
            return f"its offer ended on {last}"
    return None


def i7_dates_agree(judge: Judge, commit: Commit) -> str | None:
    """Every date that is planned is the one that the naive calendar names: not earlier, and within the hour of its
    window that the minutes are spread over; a step that is passed over is not for him."""
    for key in commit.fresh:
        conversation = commit.after.conversations[key]
        if conversation.state is not State.WAITING or conversation.pending is not None or key not in judge.records:
            continue
        sequence = judge.world.rules().sequences.get(conversation.enrolment.sequence)
        text = _date_differs(judge, conversation, sequence) if sequence is not None else None
        if text is not None:
            return f"{key}: {text}"
    return None


def _date_differs(judge: Judge, conversation: Conversation, sequence: Sequence) -> str | None:
    now = judge.world.clock.now()
    action = decide(conversation, sequence, now, judge.world.account.me)
    if not isinstance(action, Wait):
        return None
    judge.counts["dates"] += 1
    step, person = sequence.step(action.step), judge.person_of(conversation)
    if step is None or step.wait is None:
        return None
    wait, zone, days, known = calendar_of(judge, conversation, sequence, step)
    set_for = conversation.wait_until
    clocks = conversation.clocks_of(step.word) if set_for is None else conversation.tried_at(step.word)
    ends = [almanac.wait_end(since, wait, zone, days, known) for since in clocks]
    end = max([*ends, *([set_for] if set_for else [])])
    if has_no_touch(conversation):
        end = conversation.wait_until or conversation.clock_at
    named = conversation.not_before.until if conversation.not_before else None
    end = max(each for each in (end, named, conversation.retry_at) if each is not None)
    hours = step.hours or sequence.hours
    soonest = almanac.opening(max(end, now), hours, zone, days)
    if action.skips:
        why = not_for(person, sequence, step, soonest + almanac.SPREAD)
        return None if why and abs(action.at - end) < _SECOND else f"`{step.word}` would be passed over on {action.at}"
    if not_for(person, sequence, step, action.at):
        return f"`{step.word}` is not for him, and goes on {action.at}"
    spread = timedelta(0) if hours.between == ALL_DAY else almanac.SPREAD
    if soonest - _SECOND <= action.at <= soonest + spread + _SECOND and almanac.inside(action.at, hours, zone, days):
        return None
    return f"`{step.word}` goes on {action.at}, and {soonest} would be the date"


_SECOND = timedelta(seconds=1)


def i7_the_wait_has_passed(judge: Judge, dot: Dot) -> str | None:
    """The rule's wait since the last real touch, on the naive calendar; a clock that was put forward by an hour or less
    may have shortened it by as much, and one that was put forward by far asked her first."""
    record, step = judge.records[dot.conversation.id], dot.sequence.step(dot.step)
    timeline = judge.world.timeline
    if record.restored or step is None or step.wait is None:
        return None
    if has_no_touch(dot.conversation) or (record.her_wait and record.her_step in ("", step.word)):
        return None
    looked_at = dot.process.looked_at
    hers = [event.at for event in dot.conversation.events if event.word is Word.OWN_MAIL]
    noted = [(at - timeline.epoch).total_seconds() for at in hers]
    in_thread = [at for at in judge.hers_around(record.person) if any(abs(at - each) < 2.0 for each in noted)]
    written = [each for each in (*judge.hers[record.person.number], *in_thread) if each < looked_at - 1.0]
    # A step that she releases goes again when it likes; it is no touch of its own.
    touched = [record.resumed_at, *record.passed_at, *record.called_at, *written]
    touched += [at for at, word in (*record.taken, *record.tried) if word != dot.step]
    handed_on = dot.conversation.enrolment.origin and record.resumed_at <= record.enrolled_at
    if handed_on and dot.conversation.enrolment.last_touch_at:  # a day that is perhaps to come, if she lets it be
        touched.append((dot.conversation.enrolment.last_touch_at - timeline.epoch).total_seconds())
    last = max(touched)
    forward = max(0.0, timeline.wrong) + sum(max(0.0, leap) for at, leap in timeline.leaps if at > last - DAY)
    if last < 0 or forward > HOUR:
        return None
    # Our clock and hers differ by seconds, and on which side of midnight a touch was makes a day.
    near = [timeline.epoch + timedelta(seconds=last + seconds) for seconds in (-5.0, 0.0, 5.0)]
    means = calendar_of(judge, dot.conversation, dot.sequence, step)
    end = min(almanac.wait_end(since, *means) for since in near)
    around = (near[0] - timedelta(hours=1), near[-1] + timedelta(hours=1))
    if len({each.astimezone(means[1]).utcoffset() for each in around}) > 1:
        forward += HOUR  # the touch was in an hour that comes twice, and may have been noted in the second one
    early = (end - timeline.true_now).total_seconds()
    if early > 2.0 + forward:
        passed = (dot.seconds - last) / HOUR
        return f"`{dot.step}` goes {early / HOUR:.2f} h too early, {passed:.2f} h after the last touch"
    return None


def i7_inside_the_hours(judge: Judge, dot: Dot) -> str | None:
    """Inside the windows of the step, on no closed day of either (the wall clock decides calendar things)."""
    step = dot.sequence.step(dot.step)
    if step is None:
        return None
    zone, days = zone_of(dot.person, dot.sequence), days_of(dot.person, dot.sequence, judge.world.account.me)
    now, hours = judge.world.clock.now(), step.hours or dot.sequence.hours
    looked = now - timedelta(seconds=dot.seconds - dot.process.looked_at)
    if any(almanac.inside(each, hours, zone, days) for each in (now, looked, looked - timedelta(minutes=1))):
        return None
    return f"`{dot.step}` goes at {now.astimezone(zone):%a %d %b %H:%M} in {zone.key}"


def i7_only_if(judge: Judge, dot: Dot) -> str | None:
    """No step goes whose condition is not so, none after the last day of its offer, and no task goes as a letter."""
    step = dot.sequence.step(dot.step)
    if step is None:
        return None
    if step.do is Do.TASK:
        return f"`{dot.step}` is a task of hers"
    reason = not_for(dot.person, dot.sequence, step, judge.world.clock.now() - timedelta(minutes=1))
    return f"`{dot.step}` goes although {reason}" if reason else None
