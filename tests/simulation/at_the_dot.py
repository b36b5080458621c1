"""What must hold when a dot is written, and when a letter is accepted."""

from datetime import timedelta

from inboxagent.outreach.decide import Send, decide
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.stoppage import FACT, from_fact
from tests.simulation.cases import Dot
from tests.simulation.dates import HOME
from tests.simulation.imap import UNWATCHED
from tests.simulation.judge import Judge
from tests.simulation.post import Truth
from tests.simulation.records import AROUND_THE_EARTH, Record

OVER = (Word.SENT, Word.DROPPED, Word.SKIPPED, Word.TASK)
"""Words of a step that is over."""
HOUR, DAY = 3_600.0, 86_400.0


def i2_never_after_an_answer(judge: Judge, dot: Dot) -> str | None:
    """P1: no dot while an answer of his was visible in a watched mailbox before the snapshot of the last look, or was
    seen and written down before it was deleted."""
    known = judge.acknowledged.conversations.get(dot.conversation.id)
    record, noted = judge.records[dot.conversation.id], known.judged if known else ()
    open_answers = judge.records.open_answers(record, dot.process.looked_at, noted)
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
    again = {event.step for event in conversation.events if event.word is Word.RELEASED}  # to go once more
    done = [word for _, word in record.taken if word in words and word not in again and not record.restored]
    if any(words.index(word) > words.index(dot.step) for word in done):
        return f"`{dot.step}` goes after {done}"
    if record.restored or sequence.name in getattr(judge.world.rules, "edited", ()):
        return None
    over = {event.step for event in conversation.events if event.word in OVER}
    start = words.index(conversation.enrolment.start) if conversation.enrolment.start else 0
    skipped = [word for word in words[start : words.index(dot.step)] if word not in over]
    return f"{skipped} skipped before `{dot.step}`" if skipped else None


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
    his = {at for each in judge.records.values() if each.person is dot.person for at in each.accepted}
    week = sum(1 for at in his if wall - at < timedelta(days=7, seconds=-5.0))
    if limits.person_per_week and week >= limits.person_per_week:
        return f"the {week + 1}th letter to {dot.person.name} within a week"
    return None


def i7_put_off(judge: Judge, dot: Dot) -> str | None:
    """What the server put off is not tried before the time that was noted then, unless something else began a wait."""
    said = [each for each in dot.conversation.events if each.word in (*_BEGIN_ANEW, Word.DEFERRED) or each.is_call]
    last = said[-1] if said else None
    if last is None or last.word is not Word.DEFERRED or last.until is None or last.until <= judge.world.clock.now():
        return None
    return f"`{dot.step}` goes out before {last.until}, until which the server put it off"


_BEGIN_ANEW = (Word.SENT, Word.SKIPPED, Word.TASK, Word.DROPPED, Word.RELEASED, Word.RESUMED, Word.OWN_MAIL)


def i7_her_server_lets_it_go(judge: Judge, dot: Dot) -> str | None:
    """Nothing is handed over while her server, as it has said before, takes nothing from her."""
    stoppage = from_fact(judge.world.disk.contents.facts.get(FACT))
    if stoppage is None or dot.recipient_at <= judge.server_stopped_at + 2.0:
        return None
    stops = stoppage.until > judge.world.clock.now()
    return f"`{dot.step}` goes out before {stoppage.until}: {stoppage.because}" if stops else None


def i8_refused_is_hers(judge: Judge, dot: Dot) -> str | None:
    """What a server refused for good goes no more, unless she lets it go on."""
    events = dot.conversation.events
    refused = max((place for place, each in enumerate(events) if each.word is Word.REFUSED), default=-1)
    let_go = any(each.word is Word.RESUMED and each.by is By.HER for each in events[refused + 1 :])
    return None if refused < 0 or let_go else f"`{dot.step}` goes out after {events[refused].because}"


def i7_between_sequences(judge: Judge, dot: Dot) -> str | None:
    """Two sequences do not write to the same person within the time that lies between them."""
    wall, own = judge.world.clock.now(), set(judge.records[dot.conversation.id].accepted)
    for key, each in judge.records.items():
        others = set(each.accepted) if key != dot.conversation.id and each.person is dot.person else set()
        for at in others - own:
            if timedelta(0) <= wall - at < judge.world.limits.person_gap - timedelta(seconds=5):
                return f"`{dot.step}` goes {wall - at} after a letter of {key} to {dot.person.name}"
    return None


def i7_brake(judge: Judge, dot: Dot) -> str | None:
    """Nothing goes out while far more is due at once than the brake allows, until she releases it."""
    sequences, now = judge.world.rules().sequences, judge.world.clock.now()
    before = now - timedelta(minutes=3)  # that a letter takes at most from the count to its dot
    if any(dot.seconds - at < 600.0 for at, _ in judge.world.timeline.leaps):
        return None  # what is due by a clock that was just set is not counted yet
    if dot.seconds - judge.reading_ok_at > 300.0:
        return None  # it was counted when the round began, which a slow server makes long
    due, everybody = 1, judge.world.disk.contents.conversations.values()
    waiting = [each for each in everybody if each.state is State.WAITING and each.pending is None]
    long = [each for each in waiting if each.events[-1].at <= before]
    for left, each in zip(range(len(long), 0, -1), long, strict=True):
        if due + left <= judge.world.limits.brake:
            return None
        sequence = sequences.get(each.enrolment.sequence)
        due += all(isinstance(decide(each, sequence, at, judge.world.account.me), Send) for at in (before, now))
    released_at, letters = judge.let_go
    lately = dot.seconds - released_at < 10 * DAY  # a week, by a clock that may be days wrong
    most = judge.world.limits.brake + (letters if lately else 0)
    return f"{due} letters are due at once" if due > most else None


def i7_a_leap_asks_her(judge: Judge, dot: Dot) -> str | None:
    """Every wait looks over when a clock was put forward by far: nothing goes until she releases it."""
    since = max(judge.brake_released_at, judge.world.timeline.booted_at)
    if judge.leapt_at <= since or dot.recipient_at <= judge.leapt_at + 2.0:  # it was on its way when the clock was set
        return None
    return f"`{dot.step}` goes out {dot.seconds - judge.leapt_at:.0f} s after the clock was put forward by far"


def i7_an_old_copy_asks_her(judge: Judge, dot: Dot) -> str | None:
    """P3: nothing goes out on an older copy of the state until she releases it."""
    if judge.restored_at <= judge.brake_released_at:
        return None
    return f"`{dot.step}` goes out {dot.seconds - judge.restored_at:.0f} s after an old copy was put back"


def i8_her_word(judge: Judge, dot: Dot) -> str | None:
    """After `pause`, `stop`, `hold` or `pause --all` was acknowledged, no look-and-intent ends in a dot."""
    record = judge.records[dot.conversation.id]
    if judge.world.paused_everything:
        return f"`{dot.step}` goes out although everything is paused"
    if record.paused_since is not None:
        return f"`{dot.step}` goes out although she paused it {dot.seconds - record.paused_since:.0f} s ago"
    if record.stopped_since is not None:
        return f"`{dot.step}` goes out although she stopped it {dot.seconds - record.stopped_since:.0f} s ago"
    for until in (record.held_until, record.next_at):
        if until is not None and judge.world.clock.now() < until:
            return f"`{dot.step}` goes out although she named {until}"
    return None


def i8_never_again(judge: Judge, dot: Dot) -> str | None:
    """P1: nobody is written to after his opt-out or the report of his dead address could be seen."""
    record = judge.records[dot.conversation.id]
    for each in dot.person.posts:
        ours = each.original is None or each.original in record.names
        if (each.visible_at or 0.0) <= record.answers_since:
            continue
        if each.truth in (Truth.OPT_OUT, Truth.DEAD, Truth.LEFT) and ours and each.was_visible(dot.process.looked_at):
            return f"`{dot.step}` goes out after {each.truth} {each.message_id}"
    return None


def i8_never_again_after_a_restore(judge: Judge, dot: Dot) -> str | None:
    """P3: whoever was suppressed at any time is not written to, whichever copy of the state is in force."""
    found = judge.never.intersection(dot.envelope.forward_paths)
    return f"`{dot.step}` goes to {sorted(found)}, never to be written to" if found else None


def i8_away(judge: Judge, dot: Dot) -> str | None:
    """Nobody is written to in the two days after an automatic answer, nor before the day of return that it names,
    unless a command of hers lets it go on."""
    record = judge.records[dot.conversation.id]
    for each in dot.person.posts:
        if each.truth is not Truth.AWAY or not each.was_visible(dot.process.looked_at):
            continue
        seen_at = each.visible_at or 0.0
        is_away = each.back is not None and judge.world.timeline.true_now < each.back - AROUND_THE_EARTH
        if record.let_go_at < seen_at and seen_at > record.enrolled_at and (is_away or dot.seconds - seen_at < 2 * DAY):
            return f"`{dot.step}` goes out {(dot.seconds - seen_at) / HOUR:.1f} h after his automatic answer"
    return None


def i10_intent_before_dot(judge: Judge, dot: Dot) -> str | None:
    """P2: the intent with its Message-ID is on the disk, not only written, before the dot."""
    if dot.durable is None:
        return f"the intent of {dot.letter.message_id} is not on the disk"
    return None


def i18_one_process(judge: Judge, dot: Dot) -> str | None:
    """Only the process that holds the account writes a dot."""
    holds = dot.process is judge.world.machine.holder
    return None if holds else f"{dot.process.name} sends and does not hold the account"


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
    step, signature = dot.sequence.step(dot.step), judge.world.account.enclosures.signature()
    if dot.sequence.signature and any(line not in letter.text for line in signature.splitlines()):
        return f"it is not signed: {letter.text!r}"
    if step is not None and any(name.encode() not in dot.raw for name in step.attach):
        return f"{step.attach} is not attached"
    if step is not None and step.subject is not None:
        return None
    latest = dot.conversation.latest
    if latest is None or letter.in_reply_to != (latest.message_id,) or latest.message_id not in letter.references:
        return f"it answers {letter.in_reply_to}, and the newest of the thread is {latest}"
    if letter.subject.lower().count("re:") != 1:
        return f"the subject is {letter.subject!r}"
    return None


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


def i1_no_letter_under_another_name(judge: Judge, dot: Dot) -> str | None:
    """P2: a letter that he has had is not sent again because its step is called another name now."""
    events = dot.conversation.events
    text = next(each.text for each in events if each.word is Word.INTENT and each.message_id == dot.letter.message_id)
    for place, each in enumerate(events):
        had = each.word is Word.INTENT and each.text == text and each.step != dot.step
        asked = any(later.word in (Word.HELD, Word.RELEASED) for later in events[place:])
        if had and not asked and each.message_id in judge.taken and dot.sequence.step(each.step or "") is None:
            return f"`{dot.step}` says what he was sent as `{each.step}`"
    return None


def i1_a_release_gives_another_id(judge: Judge, dot: Dot) -> str | None:
    """P2: a letter that she releases goes under another Message-ID, so that both can be told apart."""
    intended = False
    for event in dot.conversation.events:
        if event.word is Word.RELEASED and intended and event.step == dot.step:
            return f"`{dot.step}` goes again as {dot.letter.message_id}, which she has released before"
        intended = intended or (event.word is Word.INTENT and event.message_id == dot.letter.message_id)
    return None


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
