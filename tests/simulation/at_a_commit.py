"""What must hold of every change that was acknowledged, at every start, and of what is done to her mailboxes."""

from inboxagent.outreach.events import ANSWERS, By, Word
from inboxagent.outreach.state import Conversation, State
from inboxagent.ports import Fetched
from tests.fakes.store import Contents
from tests.simulation.cases import Commit
from tests.simulation.judge import Judge
from tests.simulation.post import HIS_WORDS, Post, Truth
from tests.simulation.process import Process
from tests.simulation.records import Record


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


_ENDS = (Word.SENT, Word.DEFERRED, Word.REFUSED, Word.RELEASED, Word.DROPPED)


def i11_no_intent_is_left_open(judge: Judge, process: Process) -> str | None:
    """P2: what was left open by a process before, or by a write that failed, is settled before mail is read."""
    for key, each in judge.world.disk.contents.conversations.items():
        if each.pending is not None and not each.uncertain:
            return f"{key}: the intent for `{each.pending.step}` is open, and the mailboxes have been read since"
    return None


def i1_nobody_is_enrolled_twice(judge: Judge, commit: Commit) -> str | None:
    """P2: nobody whom she enrols is in that sequence already."""
    over = (State.STOPPED, State.FINISHED)
    for key, events in commit.fresh.items():
        one = commit.after.conversations[key]
        if not any(each.word is Word.ENROLLED and each.by is By.HER for each in events):
            continue
        for other in commit.after.conversations.values():
            same = other.enrolment.sequence == one.enrolment.sequence and other.addresses & one.addresses
            if same and other.id != key and other.state not in over and one.enrolment.origin != other.id:
                return f"{key}: {sorted(one.addresses)} is in {other.enrolment.sequence} already, as {other.id}"
    return None


def i13_marked_sent_was_accepted(judge: Judge, commit: Commit) -> str | None:
    """What is marked as sent was accepted."""
    for events in commit.fresh.values():
        for event in events:
            if event.word is Word.SENT and event.message_id not in {*judge.taken, *judge.taken_as.values()}:
                return f"`{event.step}` is marked as sent ({event.because}), and no server has it"
    return None


def i13_put_off_was_not_taken(judge: Judge, commit: Commit) -> str | None:
    """P2: a letter that goes again by itself, or never, is one that no server has."""
    for key, events in commit.fresh.items():
        before = commit.before.conversations.get(key)
        pending = before.pending if before else None
        for event in events:
            if event.word in (Word.DEFERRED, Word.REFUSED) and pending and pending.message_id in judge.taken:
                return f"`{event.step}` is `{event.word}` ({event.because}), and the server has {pending.message_id}"
            pending = event if event.word is Word.INTENT else None if event.word in _ENDS else pending
    return None


_ALLOWED = {
    Word.REPLY: HIS_WORDS,
    Word.NOT_NOW: (Truth.NOT_NOW,),
    Word.PROMISE: (Truth.PROMISE,),
    Word.REFUSAL: (Truth.REFUSAL,),
    Word.AUTO_REPLY: (Truth.AWAY,),
    Word.BOUNCE: (Truth.DEAD, Truth.SOFT, Truth.LEFT),
    Word.UNSUBSCRIBE: (Truth.OPT_OUT,),
    Word.DELAYED: (Truth.DELAYED,),
    Word.OWN_MAIL: (Truth.HERS,),
}


def i14_verdict_is_the_truth(judge: Judge, commit: Commit) -> str | None:
    """P1, P4: an answer is taken for an answer, a machine for a machine, hers for hers, ours for nothing."""
    for key, events in commit.fresh.items():
        number = judge.person_of(commit.after.conversations[key]).number
        for event in events:
            post = judge.truth.get(event.message_id or "")
            allowed = _ALLOWED.get(event.word)
            if post is not None and post.about and number not in post.about:
                allowed = None if event.word is Word.REPLY or post.truth is Truth.LEFT else allowed  # of somebody else
            if post is not None and post.truth is Truth.STRANGER:
                return f"a stranger's {post.message_id} was taken for `{event.word}`: {event.because}"
            if (
                post is not None
                and event.word is Word.BOUNCE
                and event.permanent is not (post.truth in (Truth.DEAD, Truth.LEFT))
            ):
                return f"{post.truth} {post.message_id} was taken for {event.because}, for ever: {event.permanent}"
            if post is not None and allowed is not None and post.truth not in allowed:
                return f"{post.truth} {post.message_id} was taken for `{event.word}`: {event.because}"
    return None


def i14_an_answer_counts_wherever_he_is_written_to(judge: Judge, commit: Commit) -> str | None:
    """P1: an answer that is noted in one conversation of his is noted in each that could go on."""
    if commit.process.name == "command":
        return None
    live = {key: each for key, each in commit.before.conversations.items() if each.state in _GOES_ON}
    for key, events in commit.fresh.items():
        said = [each.message_id for each in events if each.word in ANSWERS and each.message_id]
        addresses = commit.after.conversations[key].addresses if said else frozenset()
        for other in (each for each in live if each != key and live[each].addresses & addresses):
            missed = [each for each in said if each not in commit.after.conversations[other].judged]
            if missed:
                return f"{other}: {missed[0]} of {sorted(addresses)} counts in {key} alone"
    return None


_GOES_ON = (State.WAITING, State.HELD)


def i16_cursor_behind_verdicts(judge: Judge, commit: Commit) -> str | None:
    """A cursor passes no message about an enrolled prospect whose verdict is not in the store with it."""
    for name, cursor in commit.after.cursors.items():
        was = commit.before.cursors.get(name)
        if was is cursor or was == cursor or commit.process.name == "command":
            continue
        first = was.next_uid if was is not None and was.uidvalidity == cursor.uidvalidity else 1
        for uid in range(first, cursor.next_uid):
            place = (name, cursor.uidvalidity, uid)
            post = judge.world.server.posts.get(place)
            missed = unjudged(judge, post, commit.after) if post is not None and place in post.lies_in else None
            if missed is not None:
                return f"{name} {uid} ({missed}) was passed by"
    return None


_MATTERS = (*HIS_WORDS, Truth.OPT_OUT, Truth.DEAD, Truth.AWAY, Truth.SOFT, Truth.LEFT)


def unjudged(judge: Judge, post: Post, contents: Contents) -> str | None:
    """Whose conversation does not know of this message, though it must."""
    if post.truth not in _MATTERS or not post.message_id:
        return None
    for conversation_id, record in judge.records.items():
        if record.person.number not in post.about or (post.visible_at or 0.0) <= record.answers_since:
            continue
        conversation = contents.conversations.get(conversation_id)
        if conversation is None or conversation.state is State.STOPPED:
            continue
        if any(address in post.message_id for address in judge.erased):
            continue  # its very name is erased
        if post.original is not None and (post.visible_at or 0.0) < record.restored_at:
            continue  # it came while its letter was known, was read again after a restore, and nobody knew of any
        if post.original is not None and post.original not in record.names:
            continue  # a report on a letter outside the thread, or by an id that nobody could know
        if not post.from_him and not (record.names | record.learnt).intersection(post.names):
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


def i3_an_opt_out_is_remembered(judge: Judge, commit: Commit) -> str | None:
    """P3: who asked not to be written to is suppressed, in whatever he is enrolled later."""
    for key, events in commit.fresh.items():
        address = commit.after.conversations[key].enrolment.prospect.address
        if any(event.word is Word.UNSUBSCRIBE for event in events) and address not in commit.after.suppressions:
            return f"{key}: {address} asked not to be written to, and is not suppressed"
    return None


def law_1(judge: Judge, commit: Commit) -> str | None:
    """Nothing leaves `stopped` after an opt-out, a complaint or a dead address."""
    for key in commit.fresh:
        before = commit.before.conversations.get(key)
        after = commit.after.conversations[key]
        if before is None or after.state is State.STOPPED:
            continue
        if before.final or any(each.word is Word.UNSUBSCRIBE for each in before.events):
            return f"{key} is {after.state} again"
    return None


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


def p1_enrolment_sees_open_answers(judge: Judge, case: tuple[Conversation, Record, float]) -> str | None:
    """P1: nobody is enrolled as waiting while an answer to her last message lay there before the enrolment began."""
    conversation, record, began_at = case
    if conversation.state is not State.WAITING:
        return None
    found = judge.records.open_answers(record, began_at)
    return f"enrolled although {found[0].message_id} was there" if found else None


def i12_she_is_not_asked_what_sent_shows(judge: Judge, before: Conversation) -> str | None:
    """No letter is left for her to decide whose copy the server had filed where the last complete reading saw it."""
    filed_at = judge.copied_at.get(before.pending.message_id or "") if before.pending else None
    if filed_at is None or filed_at > judge.reading_ok_at - 60.0 or judge.records[before.id].restored:
        return None
    return f"{before.id}: she had to decide about {before.pending.message_id}, whose copy lies in Sent"


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
