"""The invariants, each a function named after the promise it guards; None where it holds, else what broke it.

Numbers are those of the list in which they were first written down. The judge calls each with itself and the case.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from inboxagent.outreach.decide import Send, Wait, decide
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Do, Sequence, Step
from inboxagent.outreach.state import Conversation, State, fold
from inboxagent.outreach.waits import Delay
from inboxagent.ports import Fetched
from tests.fakes.store import Contents
from tests.simulation import almanac
from tests.simulation.authoring import CONDITIONS
from tests.simulation.imap import UNWATCHED
from tests.simulation.judge import Commit, Dot, Judge, Record
from tests.simulation.people import Person
from tests.simulation.post import Post, Truth
from tests.simulation.process import Process

HOME = ZoneInfo("Europe/Stockholm")
HOUR, DAY = 3_600.0, 86_400.0

# -- at the dot ----------------------------------------------------------------------------------------------------


def i2_never_after_an_answer(judge: Judge, dot: Dot) -> str | None:
    """P1: no dot while an answer of his was visible in a watched mailbox before the snapshot of the last look."""
    open_answers = judge.open_answers(judge.records[dot.conversation.id], dot.process.looked_at)
    if not open_answers:
        return None
    first = open_answers[0]
    seen = dot.seconds - (first.visible_at or 0.0)
    places = sorted(name for name, _, _ in first.lies_in)
    return f"`{dot.step}` goes out {seen:.1f} s after his {first.truth} {first.message_id} came to {places}"


def i2_look_between_recipient_and_dot(judge: Judge, dot: Dot) -> str | None:
    """P1: the last look begins after the server took the recipient, and is less than ten seconds old at the dot."""
    if dot.process.looked_at < dot.recipient_at:
        return f"the last look was {dot.recipient_at - dot.process.looked_at:.1f} s before the recipient was taken"
    age = dot.seconds - dot.process.looked_at
    return f"the last look is {age:.0f} s old" if age > 10.5 else None


def i6_steps_in_order(judge: Judge, dot: Dot) -> str | None:
    """No step goes twice by itself, none after a later one, none is skipped but by her hand or an edited file."""
    conversation = dot.conversation
    sequence = dot.sequence
    words = [step.word for step in sequence.steps]
    if dot.step not in words:
        return f"`{dot.step}` is not in the file"
    record = judge.records[conversation.id]
    done = [word for _, word in record.taken if word in words and not record.restored]
    if any(words.index(word) > words.index(dot.step) for word in done):
        return f"`{dot.step}` goes after {done}"
    if record.restored or sequence.name in getattr(judge.world.rules, "edited", ()):
        return None
    over = {event.step for event in conversation.events if event.word in _OVER}
    start = words.index(conversation.enrolment.start) if conversation.enrolment.start else 0
    skipped = [word for word in words[start : words.index(dot.step)] if word not in over]
    return f"{skipped} skipped before `{dot.step}`" if skipped else None


def i7_the_wait_has_passed(judge: Judge, dot: Dot) -> str | None:
    """The rule's wait since the last real touch, on the naive calendar, as long as the clock is right."""
    record, step = judge.records[dot.conversation.id], dot.sequence.step(dot.step)
    timeline = judge.world.timeline
    if record.restored or step is None or step.wait is None or timeline.wrong:
        return None
    if _has_no_touch(dot.conversation) or (record.her_wait and record.her_step in ("", step.word)):
        return None
    looked_at = dot.process.looked_at
    written = [each for each in judge.hers[record.person.number] if each < looked_at - 1.0]
    # A step that she releases goes again when it likes; it is no touch of its own.
    touched = [record.resumed_at, *(at for at, word in record.taken if word != dot.step), *written]
    last = max(touched)
    if last < 0 or timeline.set_at > last - DAY:
        return None
    since = timeline.epoch + timedelta(seconds=last - 5.0)
    end = almanac.wait_end(since, *_calendar(judge, dot.conversation, dot.sequence, step))
    early = (end - timeline.true_now).total_seconds()
    if early > 2.0:
        passed = (dot.seconds - last) / HOUR
        return f"`{dot.step}` goes {early / HOUR:.2f} h too early, {passed:.2f} h after the last touch"
    return None


def _has_no_touch(conversation: Conversation) -> bool:
    """Whether the next step is the first word of all: there is nothing that its wait could run from."""
    return conversation.touches == 0 and conversation.latest is None and not conversation.passed


def _calendar(
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
    reason = _not_for(dot.person, dot.sequence, step, judge.world.clock.now() - timedelta(minutes=1))
    return f"`{dot.step}` goes although {reason}" if reason else None


def _not_for(person: Person, sequence: Sequence, step: Step, at: datetime) -> str | None:
    """Why a step is passed over when it would leave then."""
    if step.condition is not None and not CONDITIONS[step.condition](person.card):
        return f"not: {step.condition}"
    if step.expires is not None:
        last = date.fromisoformat(person.card["event_on"])
        if at.astimezone(zone_of(person, sequence)).date() > last:
            return f"its offer ended on {last}"
    return None


def i7_limits(judge: Judge, dot: Dot) -> str | None:
    """The gap between two letters and the limits of hour, day and week, counted from what a server really took."""
    limits = judge.world.limits
    gap = limits.gap.total_seconds()
    wall = judge.world.clock.now()
    if judge.accepted and (wall - judge.accepted[-1][1]).total_seconds() < gap - 1.0:
        passed = dot.seconds - judge.accepted[-1][0]
        return f"{passed:.1f} s after the letter before, and the gap is {gap:.0f} s" if passed < gap - 1.0 else None
    today = wall.astimezone(HOME).date()
    last = judge.accepted[-3 * limits.per_day :]
    count = sum(1 for _, at in last if at.astimezone(HOME).date() == today)
    if count >= limits.per_day:
        return f"the {count + 1}th letter of the day"
    recent = sum(1 for _, at in last if timedelta(0) <= wall - at < timedelta(seconds=HOUR - 5.0))
    if limits.per_hour and recent >= limits.per_hour:
        return f"the {recent + 1}th letter within an hour"
    week = sum(1 for at in judge.records[dot.conversation.id].accepted if wall - at < timedelta(days=7, seconds=-5.0))
    if limits.person_per_week and week >= limits.person_per_week:
        return f"the {week + 1}th letter to {dot.person.name} within a week"
    return None


def i7_brake(judge: Judge, dot: Dot) -> str | None:
    """Nothing goes out while far more is due at once than the brake allows, until she releases it."""
    sequences, now = judge.world.rules().sequences, judge.world.clock.now()
    before = now - timedelta(minutes=30)
    due = 1
    for each in judge.world.disk.contents.conversations.values():
        if each.state is not State.WAITING or each.pending is not None or each.events[-1].at > before:
            continue
        sequence = sequences.get(each.enrolment.sequence)
        due += all(isinstance(decide(each, sequence, at, judge.world.account.me), Send) for at in (before, now))
    released = judge.brake_released_at >= 0 and dot.seconds - judge.brake_released_at < 3 * DAY
    return f"{due} letters are due at once" if due > judge.world.limits.brake and not released else None


def i8_her_word(judge: Judge, dot: Dot) -> str | None:
    """After `pause`, `stop` or `pause --all` was acknowledged, no look-and-intent ends in a dot."""
    record = judge.records[dot.conversation.id]
    if judge.world.paused_everything:
        return f"`{dot.step}` goes out although everything is paused"
    if record.paused_since is not None:
        return f"`{dot.step}` goes out although she paused it {dot.seconds - record.paused_since:.0f} s ago"
    if record.stopped_since is not None:
        return f"`{dot.step}` goes out although she stopped it {dot.seconds - record.stopped_since:.0f} s ago"
    return None


def i8_never_again(judge: Judge, dot: Dot) -> str | None:
    """P1: nobody is written to after his opt-out or the report of his dead address could be seen."""
    record = judge.records[dot.conversation.id]
    for each in dot.person.posts:
        ours = each.original is None or each.original in record.names
        if (each.visible_at or 0.0) <= record.answers_since:
            continue
        if each.truth in (Truth.OPT_OUT, Truth.DEAD) and ours and each.was_visible(dot.process.looked_at):
            return f"`{dot.step}` goes out after {each.truth} {each.message_id}"
    return None


def i8_away(judge: Judge, dot: Dot) -> str | None:
    """Nobody is written to in the two days after an automatic answer, unless she resumes or writes herself."""
    record = judge.records[dot.conversation.id]
    for each in dot.person.posts:
        if each.truth is not Truth.AWAY or not each.was_visible(dot.process.looked_at):
            continue
        seen_at = each.visible_at or 0.0
        if record.resumed_at < seen_at and seen_at > record.enrolled_at and dot.seconds - seen_at < 2 * DAY:
            return f"`{dot.step}` goes out {(dot.seconds - seen_at) / HOUR:.1f} h after his automatic answer"
    return None


def i10_intent_before_dot(judge: Judge, dot: Dot) -> str | None:
    """P2: the intent with its Message-ID is on the disk, not only written, before the dot."""
    if dot.durable is None:
        return f"the intent of {dot.letter.message_id} is not on the disk"
    return None


def i18_one_process(judge: Judge, dot: Dot) -> str | None:
    """Only the process that holds the account writes a dot."""
    return None if dot.process is judge.world.holder else f"{dot.process.name} sends and does not hold the account"


def letter_complete(judge: Judge, dot: Dot) -> str | None:
    """Every letter is complete, to the right person, in the right thread, under the right subject."""
    letter, person = dot.letter, dot.person
    words = f"{letter.subject}\n{letter.text}"
    if any(each in words for each in ("{{", "}}", "None", "Undefined")) or not letter.text.strip():
        return f"an unfinished letter: {words!r}"
    if person.address not in {each.address for each in letter.to}:
        return f"{person.name} is not among {letter.to}"
    if dot.envelope.forward_paths[0] != person.address:
        return f"the envelope is for {dot.envelope.forward_paths}"
    step = dot.sequence.step(dot.step)
    if step is not None and step.subject is not None:
        return None
    latest = dot.conversation.latest
    if latest is None or letter.in_reply_to != (latest.message_id,) or latest.message_id not in letter.references:
        return f"it answers {letter.in_reply_to}, and the newest of the thread is {latest}"
    if letter.subject.lower().count("re:") != 1:
        return f"the subject is {letter.subject!r}"
    return None


# -- at acceptance -------------------------------------------------------------------------------------------------


def i1_never_twice(judge: Judge, case: tuple[Conversation, Record, Event]) -> str | None:
    """P2: no Message-ID is accepted twice, and no step of a conversation but by her `release`."""
    conversation, record, intent = case
    if record.restored:
        return _goes_twice_against_evidence(judge, record, intent.step or "")
    if len(judge.taken[intent.message_id or ""]) > 1:
        return f"{intent.message_id} was accepted {len(judge.taken[intent.message_id or ''])} times"
    released = sum(1 for each in conversation.events if each.word is Word.RELEASED and each.step == intent.step)
    count = sum(1 for _, step in record.taken if step == intent.step)
    return f"`{intent.step}` was accepted {count} times, released {released} times" if count > 1 + released else None


def _goes_twice_against_evidence(judge: Judge, record: Record, step: str) -> str | None:
    """After an old backup only her mailboxes know: what has its copy there does not go once more."""
    *earlier, _ = [message_id for word, message_id in record.letters if word == step]
    looked = judge.world.timeline.epoch + timedelta(seconds=judge.reading_ok_at - 1.0)
    for message_id in earlier:
        token = b"X-Inboxagent: " + message_id.partition("@")[0].strip("<").encode()
        for name, box in judge.world.server.boxes.items():
            copies = (each for each in box.messages.values() if token in each.raw[:4_000] and each.received_at < looked)
            if name != UNWATCHED and any(copies):
                return f"`{step}` was accepted again, and its copy lay in {name}"
    return None


# -- at a commit ---------------------------------------------------------------------------------------------------


def i11_every_intent_ends_once(judge: Judge, commit: Commit) -> str | None:
    """Each intent has one end; nothing goes from uncertain to due but by her hand or by evidence."""
    for key, events in commit.fresh.items():
        before = commit.before.conversations.get(key)
        pending, uncertain = (before.pending, before.uncertain) if before else (None, False)
        for event in events:
            if event.word is Word.INTENT and pending is not None:
                return f"{key}: an intent for `{event.step}` while `{pending.step}` is open"
            if event.word in (Word.DEFERRED, Word.REFUSED) and uncertain:
                return f"{key}: `{event.word}` ends an uncertain send"
            if event.word is Word.RELEASED and (event.by is not By.HER or commit.process.name != "command"):
                return f"{key}: released, and not by her"
            pending = event if event.word is Word.INTENT else None if event.word in _ENDS else pending
            uncertain = pending is not None and (uncertain or event.word is Word.UNCERTAIN)
    return None


_OVER = (Word.SENT, Word.DROPPED, Word.SKIPPED, Word.TASK)
_ENDS = (Word.SENT, Word.DEFERRED, Word.REFUSED, Word.RELEASED, Word.DROPPED)


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
    wait, zone, days, known = _calendar(judge, conversation, sequence, step)
    end = conversation.wait_until or almanac.wait_end(conversation.clock_at, wait, zone, days, known)
    if _has_no_touch(conversation):
        end = conversation.wait_until or conversation.clock_at
    if conversation.retry_at is not None:
        end = max(end, conversation.retry_at)
    if action.skips:
        why = _not_for(person, sequence, step, action.at + 14 * timedelta(days=1))
        return None if why and abs(action.at - end) < _SECOND else f"`{step.word}` would be passed over on {action.at}"
    hours = step.hours or sequence.hours
    soonest = almanac.opening(max(end, now), hours, zone, days)
    if _not_for(person, sequence, step, action.at):
        return f"`{step.word}` is not for him, and goes on {action.at}"
    if soonest - _SECOND <= action.at <= soonest + almanac.SPREAD and almanac.inside(action.at, hours, zone, days):
        return None
    return f"`{step.word}` goes on {action.at}, and {soonest} would be the date"


_SECOND = timedelta(seconds=1)


def i13_marked_sent_was_accepted(judge: Judge, commit: Commit) -> str | None:
    """What is marked as sent was accepted."""
    for events in commit.fresh.values():
        for event in events:
            if event.word is Word.SENT and event.message_id not in {*judge.taken, *judge.taken_as.values()}:
                return f"`{event.step}` is marked as sent ({event.because}), and no server has it"
    return None


_ALLOWED = {
    Word.REPLY: (Truth.ANSWER,),
    Word.AUTO_REPLY: (Truth.AWAY,),
    Word.BOUNCE: (Truth.DEAD, Truth.SOFT),
    Word.UNSUBSCRIBE: (Truth.OPT_OUT,),
    Word.DELAYED: (Truth.DELAYED,),
    Word.OWN_MAIL: (Truth.HERS,),
}


def i14_verdict_is_the_truth(judge: Judge, commit: Commit) -> str | None:
    """P1, P4: an answer is taken for an answer, a machine for a machine, hers for hers, ours for nothing."""
    for events in commit.fresh.values():
        for event in events:
            post = judge.truth.get(event.message_id or "")
            allowed = _ALLOWED.get(event.word)
            if post is not None and post.truth is Truth.STRANGER:
                return f"a stranger's {post.message_id} was taken for `{event.word}`: {event.because}"
            if post is not None and allowed is not None and post.truth not in allowed:
                return f"{post.truth} {post.message_id} was taken for `{event.word}`: {event.because}"
    return None


def i16_cursor_behind_verdicts(judge: Judge, commit: Commit) -> str | None:
    """A cursor passes no message about an enrolled prospect whose verdict is not in the store with it."""
    for name, cursor in commit.after.cursors.items():
        was = commit.before.cursors.get(name)
        if was == cursor or commit.process.name == "command":
            continue
        first = was.next_uid if was is not None and was.uidvalidity == cursor.uidvalidity else 1
        for uid in range(first, cursor.next_uid):
            place = (name, cursor.uidvalidity, uid)
            post = judge.world.server.posts.get(place)
            missed = _unjudged(judge, post, commit.after) if post is not None and place in post.lies_in else None
            if missed is not None:
                return f"{name} {uid} ({missed}) was passed by"
    return None


def _unjudged(judge: Judge, post: Post, contents: Contents) -> str | None:
    """Whose conversation does not know of this message, though it must."""
    if post.truth not in (Truth.ANSWER, Truth.OPT_OUT, Truth.DEAD, Truth.AWAY, Truth.SOFT) or not post.message_id:
        return None
    for conversation_id, record in judge.records.items():
        if record.person.number not in post.about or (post.visible_at or 0.0) <= record.answers_since:
            continue
        conversation = contents.conversations.get(conversation_id)
        if conversation is None or conversation.state is State.STOPPED:
            continue
        if post.original is not None and (post.visible_at or 0.0) < record.restored_at:
            continue  # it came while its letter was known, was read again after a restore, and nobody knew of any
        if post.original is not None and post.original not in record.names:
            continue  # a report on a letter outside the thread, or by an id that nobody could know
        if not post.from_him and not record.names.intersection(post.names):
            continue  # from an unknown address, and it names nothing that can be known
        if post.message_id not in conversation.judged | set(conversation.enrolment.history):
            return f"{post.truth} {post.message_id} for {record.person.name}"
    return None


def i5_every_event_says_why(judge: Judge, commit: Commit) -> str | None:
    """P6: every event and every state carries its reason."""
    for key, events in commit.fresh.items():
        if not commit.after.conversations[key].because or not all(each.because for each in events):
            return f"{key} does not say why it is {commit.after.conversations[key].state}"
    return None


def i5_no_fault_of_ours(judge: Judge, commit: Commit) -> str | None:
    """Nothing is ever held because our own code failed; that net is for what nobody has thought of."""
    for key, events in commit.fresh.items():
        for event in events:
            if "a fault of ours" in event.because:
                return f"{key}: {event.because}"
    return None


def i3_nothing_is_rewritten(judge: Judge, commit: Commit) -> str | None:
    """P3: events are only ever added; no enrolment and no suppression goes."""
    for key, conversation in commit.before.conversations.items():
        after = commit.after.conversations.get(key)
        if after is None or (
            after is not conversation and after.events[: len(conversation.events)] != conversation.events
        ):
            return f"what had happened in {key} is no longer so"
    lost = commit.before.suppressions.keys() - commit.after.suppressions.keys()
    return f"{sorted(lost)} is suppressed no more" if lost else None


def law_1(judge: Judge, commit: Commit) -> str | None:
    """Nothing leaves `stopped` after an opt-out, a complaint or a dead address."""
    for key in commit.fresh:
        before = commit.before.conversations.get(key)
        after = commit.after.conversations[key]
        if before is not None and before.final and after.state is not State.STOPPED:
            return f"{key} is {after.state} again"
    return None


# -- at a start ----------------------------------------------------------------------------------------------------


def i17_acknowledged_is_there(judge: Judge, contents: Contents) -> str | None:
    """P3: after any crash, what was acknowledged is there; no enrolment, answer or opt-out is lost."""
    for key, conversation in judge.acknowledged.conversations.items():
        found = contents.conversations.get(key)
        if found is None:
            return f"the enrolment {key} is lost"
        if found is not conversation and found.events[: len(conversation.events)] != conversation.events:
            return f"acknowledged events of {key} are lost: {[e.word for e in conversation.events]}"
    lost = judge.acknowledged.suppressions.keys() - contents.suppressions.keys()
    return f"{sorted(lost)} is suppressed no more" if lost else None


# -- at an enrolment -----------------------------------------------------------------------------------------------


def p1_enrolment_sees_open_answers(judge: Judge, case: tuple[Conversation, Record, float]) -> str | None:
    """P1: nobody is enrolled as waiting while an answer to her last message lay there before the enrolment began."""
    conversation, record, began_at = case
    if conversation.state is State.ANSWERED:
        return None
    found = judge.open_answers(record, began_at)
    return f"enrolled although {found[0].message_id} was there" if found else None


# -- what is done to her mailbox -----------------------------------------------------------------------------------


def i21_copy_of_what_was_sent(judge: Judge, case: tuple[str, bytes, str]) -> str | None:
    """P5: only letters that are recorded as sent, on the disk, are ever filed, and only into Sent."""
    mailbox, _, message_id = case
    if mailbox != "Sent":
        return f"a copy goes to {mailbox}"
    for each in judge.world.disk.durable.conversations.values():
        if any(event.word is Word.SENT and event.message_id == message_id for event in each.events):
            return None
    return f"{message_id} is filed, and is not recorded as sent"


def p5_no_strangers_mail(judge: Judge, case: tuple[Process, Fetched]) -> str | None:
    """P5: no body outside enrolled conversations is read, but where a stranger writes under the subject of one."""
    process, fetched = case
    post = judge.world.server.posts.get((fetched.mailbox, fetched.uidvalidity, fetched.uid))
    if post is None or post.truth is not Truth.STRANGER:
        return None
    known = {each for one in judge.world.disk.contents.conversations.values() for each in one.subjects}
    enrolling = process.name == "command" and post.subject != "Something else"
    if enrolling or any(each.lower().removeprefix("re: ") == post.subject.lower() for each in known):
        return None
    return f"{fetched.mailbox} {fetched.uid} is nobody's business"


# -- now and then, and at the end ----------------------------------------------------------------------------------


def i9_sees_or_says_so(judge: Judge, seconds: float) -> str | None:
    """P7: a daemon that runs in calm weather has a complete reading younger than its bound."""
    bound = 2 * judge.world.poll + 30.0
    age = seconds - judge.reading_ok_at
    return f"the last complete reading is {age / HOUR:.1f} h old" if age > bound + 900.0 else None


def i4_nothing_is_stuck(judge: Judge, _: object) -> str | None:
    """P3: once faults have ended, everything due goes out within its window, and nothing is left in the air."""
    now, sequences = judge.world.clock.now(), judge.world.rules().sequences
    for key, each in judge.world.disk.contents.conversations.items():
        sequence = sequences.get(each.enrolment.sequence)
        if each.pending is not None and not each.uncertain:
            return f"{key}: an intent is open"
        if each.state is not State.WAITING:
            continue
        action = decide(each, sequence, now, judge.world.account.me)
        if isinstance(action, Send) and now - action.due_at > timedelta(hours=3):
            return f"{key}: `{action.step.word}` is due since {action.due_at:%a %d %H:%M}"
        late = _overdue(judge, key, each, sequence)
        if late is not None:
            return late
    return None


def _overdue(judge: Judge, key: str, conversation: Conversation, sequence: Sequence | None) -> str | None:
    """By the judge's own reckoning: a wait that is long over while nothing stood in the way since it began."""
    record = judge.records.get(key)
    if record is None or sequence is None or sequence.name in getattr(judge.world.rules, "edited", ()):
        return None
    over = {event.step for event in conversation.events if event.word in _OVER}
    step = next((each for each in sequence.steps if each.word not in over), None)
    if step is None:
        return f"{key}: no step is left, and it waits"
    last = judge.world.timeline.epoch + timedelta(seconds=max(record.enrolled_at, judge.brake_released_at))
    last = max(last, conversation.clock_at, *(event.at for event in conversation.events))
    if record.her_wait or step.wait is None:
        return None
    wait, zone, days, known = _calendar(judge, conversation, sequence, step)
    end = almanac.wait_end(last, wait, zone, days, known)
    soonest = almanac.opening(end, step.hours or sequence.hours, zone, days)
    late = judge.world.clock.now() - soonest
    return f"{key}: `{step.word}` was to go {late / timedelta(days=1):.1f} days ago" if late > _PATIENCE else None


_PATIENCE = timedelta(days=3)


def i12_evidence_is_used(judge: Judge, _: object) -> str | None:
    """No letter stays uncertain while a copy that the server filed lies in Sent."""
    for key, each in judge.world.disk.contents.conversations.items():
        if each.uncertain and each.pending is not None and judge.server_copies[each.pending.message_id or ""]:
            return f"{key}: `{each.pending.step}` is uncertain, and its copy lies in Sent"
    return None


def i14_every_answer_is_noted(judge: Judge, seconds: float) -> str | None:
    """P1, P3: his answer that lay there at the last complete reading has been noted in every conversation of his."""
    for key, record in judge.records.items():
        conversation = judge.world.disk.contents.conversations.get(key)
        if conversation is None:
            continue  # a command that died before it said anything
        for post in record.person.posts:
            if not post.message_id or not post.was_visible(judge.reading_ok_at - 60.0):
                continue
            if _unjudged(judge, post, judge.world.disk.contents) is not None:
                return f"{post.truth} {post.message_id} of {record.person.name} was never judged"
    return None


def i21_one_copy_each(judge: Judge, _: object) -> str | None:
    """Sent holds a copy of every letter that is known to be accepted: the server's or ours, and never two of ours."""
    twice = [message_id for message_id, count in judge.appended.items() if count > 1]
    if twice:
        return f"{twice[0]} was filed {judge.appended[twice[0]]} times"
    for each in judge.world.disk.contents.conversations.values():
        for event in each.events:
            known = event.word is Word.SENT and event.because.startswith("accepted")
            if known and not judge.appended[event.message_id or ""] + judge.server_copies[event.message_id or ""]:
                return f"{event.message_id} has no copy in Sent"
    return None


def state_is_the_fold(judge: Judge, _: object) -> str | None:
    """The state of a conversation is the fold of its events, and nothing beside."""
    for key, each in judge.world.disk.contents.conversations.items():
        if fold(key, each.events) != each:
            return f"{key} is not what its events make"
    return None


Invariant = Callable[..., str | None]

INVARIANTS: Mapping[str, tuple[Invariant, ...]] = {
    "dot": (
        i2_never_after_an_answer,
        i2_look_between_recipient_and_dot,
        i6_steps_in_order,
        i7_the_wait_has_passed,
        i7_inside_the_hours,
        i7_only_if,
        i7_limits,
        i7_brake,
        i8_her_word,
        i8_never_again,
        i8_away,
        i10_intent_before_dot,
        i18_one_process,
        letter_complete,
    ),
    "taken": (i1_never_twice,),
    "commit": (
        i3_nothing_is_rewritten,
        i5_every_event_says_why,
        i5_no_fault_of_ours,
        i7_dates_agree,
        i11_every_intent_ends_once,
        i13_marked_sent_was_accepted,
        i14_verdict_is_the_truth,
        i16_cursor_behind_verdicts,
        law_1,
    ),
    "restart": (i17_acknowledged_is_there,),
    "enrolled": (p1_enrolment_sees_open_answers,),
    "append": (i21_copy_of_what_was_sent,),
    "fetch": (p5_no_strangers_mail,),
    "calm": (i9_sees_or_says_so,),
    "end": (i4_nothing_is_stuck, i12_evidence_is_used, i14_every_answer_is_noted, i21_one_copy_each, state_is_the_fold),
}
