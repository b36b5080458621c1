"""What the agent writes to her: each thing that waits for her once, to her alone, and nothing of it is forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from inboxagent.agent.reminding import TOLD
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.outbox import Envelope
from inboxagent.outreach.reminders import Reminder, reminders
from inboxagent.outreach.state import Conversation
from tests.simulation.post import HER
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.judge import Judge

_WHAT = re.compile(r"inboxagent done (\w+ \w+)|asked you something on ([^,]+), .*?\((\w{7}), ", re.DOTALL)
_PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to her at the moment in which its dot is written. `waits` names what waits for her."""

    process: Process
    envelope: Envelope
    letter: Inbound
    waits: str


@dataclass
class Told:
    """What a server has taken: by which process, and whether that process could still write it down."""

    process: Process
    written_down: bool = False


def _what_waits(text: str) -> str:
    found = _WHAT.search(text)
    return " ".join(" ".join(filter(None, found.groups())).split()) if found else text


def is_notice(letter: Inbound) -> bool:
    """Whether it says that a machine wrote it (RFC 3834), which no letter to a person does."""
    return bool(letter.field("auto-submitted"))


class Notices:
    """By what waits for her: who has told her."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.begun: set[str] = set()  # of what a mail was on the wire, whatever became of it
        self._sent: dict[str, Notice] = {}

    def begins(self, process: Process, envelope: Envelope, letter: Inbound) -> Notice:
        """A dot is about to be written."""
        waits = _what_waits(letter.text)
        self.begun.add(waits)
        notice = self._sent[letter.message_id] = Notice(process, envelope, letter, waits)
        return notice

    def takes(self, message_id: str) -> None:
        """A server has it."""
        notice = self._sent[message_id]
        self.told[notice.waits] = Told(notice.process)

    def is_written_down(self, process: Process) -> None:
        """The process has noted that it told her."""
        for told in self.told.values():
            told.written_down = told.written_down or told.process is process

    def restores(self) -> None:
        """An old copy of the state knows nothing of it."""
        self.told.clear()


def told_to_her_alone(judge: "Judge", notice: Notice) -> str | None:
    """What waits for her is told to her, and never to a prospect."""
    if notice.envelope.forward_paths == (HER,) and {each.address for each in notice.letter.to} == {HER}:
        return None
    return f"`{notice.letter.subject}` goes to {notice.envelope.forward_paths}"


def told_once(judge: "Judge", notice: Notice) -> str | None:
    """What she was told is not told again, also where nobody knows whether the mail has gone, but by a process that
    could not know of it."""
    before = judge.notices.told.get(notice.waits)
    if before is None or (before.process is not notice.process and not before.written_down):
        return None
    return f"`{notice.letter.subject}` is told her again: {notice.waits}"


def told_in_the_end(judge: "Judge", _: object) -> str | None:
    """A task, and a question of his that has waited as long as the rule allows, is told her."""
    if not judge.world.account.remind_to:
        return None
    fact = judge.world.disk.contents.facts.get(TOLD)
    told = fact if isinstance(fact, dict) else {}
    long_ago = judge.world.clock.now() - _PATIENCE
    for conversation in judge.world.disk.contents.conversations.values():
        for each in _waiting(judge, conversation):
            if each.at < long_ago and each.key not in told:
                return f"{conversation.id}: she was never told: {each.subject}"
            if each.key in told and _what_waits(each.text) not in judge.notices.begun:
                return f"{conversation.id}: no mail tells her what is noted as told: {each.subject}"
    return None


def _waiting(judge: "Judge", conversation: Conversation) -> Iterator[Reminder]:
    sequence = judge.world.rules().sequences.get(conversation.enrolment.sequence)
    return reminders(conversation, sequence, judge.world.account.me)
