"""What a person writes: an answer, which is hers to judge, or plainly a no, a promise, a "not now"."""

from datetime import datetime

from inboxagent.outreach.case import Case, Consequence, is_colleague
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.match import Evidence


def judge_human(case: Case) -> Consequence:
    """His own plain words about whether and when; all else, and what others write, is an answer."""
    wishes = {"refusal": _judge_refusal, "promise": _judge_promise}
    judge = wishes.get(case.verdict.intent or "") if case.from_him else None
    return judge(case) if judge else judge_reply(case)


def judge_reply(case: Case) -> Consequence:
    """An answer: whatever a person may have written that is not plainly something else."""
    event = case.said(Word.REPLY, f"{_who_answered(case)}: {case.verdict.because} ({case.found.because})")
    return Consequence(events=(event, *_proposal(case)))


def _who_answered(case: Case) -> str:
    """Whose words these are, in words: his, a colleague's, somebody else's."""
    if case.from_him:
        return "he answered" if case.in_thread else "he wrote outside the thread"
    author = case.author or "somebody"
    if case.author and is_colleague(case):
        author = f"his colleague {author}"
    return f"{author} answered in the thread" if case.in_thread else f"{author} seems to have got a letter of ours"


def _proposal(case: Case) -> tuple[Event, ...]:
    """An address that nobody knew answers an id that only his side can know: perhaps his own. She is told, once."""
    told = {each.address for each in case.conversation.events if each.word is Word.PROPOSED}
    strange = case.author and not case.from_him and not is_colleague(case) and case.author not in case.partners | told
    if not strange or case.found.evidence not in (Evidence.THREAD, Evidence.ASIDE):
        return ()
    because = f"{case.author} may be another address of his: {case.found.because}; nothing is sent there by itself"
    return (case.event(Word.PROPOSED, because),)


def _judge_refusal(case: Case) -> Consequence:
    """It ends the sequence to which he says no; whatever else she writes him about waits for her."""
    if not case.in_thread:
        return judge_reply(case)
    heir = case.sequence.refused if case.sequence else None
    return Consequence(events=(case.said(Word.REFUSAL, f"he says no: {case.verdict.because}"),), heir=heir)


def _judge_promise(case: Case) -> Consequence:
    last = case.verdict.promised_until
    if last is None:
        return judge_reply(case)
    again = case.sequence.again if case.sequence else None
    return _judge_put_off(case, Word.PROMISE, *case.holder.until_promised(last), step=again)


def judge_not_now(case: Case) -> Consequence:
    """He asks to be written to later; what somebody else puts off is an answer."""
    if not case.from_him:
        return judge_reply(case)
    return _judge_put_off(case, Word.NOT_NOW, *case.holder.until_asked(case.verdict.contact_after))


def _judge_put_off(case: Case, word: Word, until: datetime, till: str, step: str | None = None) -> Consequence:
    """Held to the day that his words name; one that has come before they were read is hers to judge."""
    if until <= case.arrival.now:
        return judge_reply(case)
    because = f"{case.verdict.because}; {till}"
    return Consequence(events=(case.said(word, because, until=until, step=step),))
