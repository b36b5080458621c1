"""What an edited rule file changes for the people who are inside it, and a letter that only has another name now."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inboxagent.outreach.decide import next_step, outlook
from inboxagent.outreach.events import Word
from inboxagent.outreach.model import Me
from inboxagent.outreach.sequence import Sequence, Step
from inboxagent.outreach.state import Conversation, State

ALIKE = 0.8  # how alike two letters must be for a new word to pass for a renamed one


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The steps that are new, gone and changed, words that may be renamed ones, and for how many it matters."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    inside: int
    other_letter: int
    other_date: int
    passed_by: int

    @property
    def nothing(self) -> bool:
        """Whether it changes no step."""
        return not (self.added or self.removed or self.changed or self.other_date)


def compare(old: Sequence, new: Sequence, conversations: Iterable[Conversation], me: Me, now: datetime) -> Edit:
    """What putting `new` in the place of `old` does to those who are in it and not at their end."""
    inside = [each for each in conversations if _is_inside(each, new.name)]
    added = tuple(step.word for step in new.steps if old.step(step.word) is None)
    removed = tuple(step.word for step in old.steps if new.step(step.word) is None)
    changed = tuple(
        step.word for step in new.steps if (was := old.step(step.word)) is not None and _content(was) != _content(step)
    )
    renamed = tuple((gone, word) for gone in removed for word in added if _alike(old.step(gone), new.step(word)))
    pairs = [(next_step(each, old), next_step(each, new), each) for each in inside]
    return Edit(
        added=added,
        removed=removed,
        changed=changed,
        renamed=renamed,
        inside=len(inside),
        other_letter=sum(_content(before) != _content(after) for before, after, _ in pairs),
        other_date=sum(_date(each, old, me, now) != _date(each, new, me, now) for each in inside),
        passed_by=sum(any(_is_before(word, each, new) for word in added) for each in inside),
    )


def _is_inside(conversation: Conversation, name: str) -> bool:
    return conversation.enrolment.sequence == name and conversation.state not in (State.FINISHED, State.STOPPED)


def _content(step: Step | None) -> tuple[object, ...]:
    return (step.letters, step.subject, step.tone, step.do, step.attach) if step else ()


def _alike(one: Step | None, other: Step | None) -> bool:
    return one is not None and other is not None and _reads_alike("\n".join(one.letters), "\n".join(other.letters))


def _reads_alike(one: str, other: str) -> bool:
    words = difflib.SequenceMatcher(None, one, other)
    return min(words.real_quick_ratio(), words.quick_ratio()) >= ALIKE and words.ratio() >= ALIKE


def suspect_renaming(conversation: Conversation, sequence: Sequence, step: Step, text: str) -> str:
    """Why this letter may be one that he has had under a word which the file has no longer; empty where it is not, or
    where she was asked about it and let it go on."""
    for sent in conversation.events:
        gone = sent.step in conversation.passed and sequence.step(sent.step) is None if sent.step else False
        if sent.word is Word.INTENT and gone and sent.text and _reads_alike(sent.text, text):
            because = (
                f"`{step.word}` reads like the letter that he has had as `{sent.step}`, a step that is gone from the "
                "file; resume it to send it all the same, or skip it first"
            )
            asked = any(each.word is Word.HELD and each.because == because for each in conversation.events)
            return "" if asked else because
    return ""


def _date(conversation: Conversation, sequence: Sequence, me: Me, now: datetime) -> datetime | None:
    ahead = outlook(conversation, sequence, now, me)
    return ahead.at if ahead else None


def _is_before(word: str, conversation: Conversation, sequence: Sequence) -> bool:
    """Whether a new step lies before the place where he is, so that he never gets it."""
    words = [step.word for step in sequence.steps]
    had = [words.index(each) for each in conversation.passed if each in words]
    return bool(had) and words.index(word) < max(had)
