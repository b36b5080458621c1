"""Faults of the line between the agent and Dovecot or Postfix: at every kind of line that either side says, in every
way that a line can fail. After each the agent has to come to rest with all promises kept, and nothing due left undone.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from pathlib import Path

from inboxagent.outreach.events import Word
from inboxagent.outreach.state import Conversation, State
from tests.cli.desk import Desk
from tests.servers.lab import WIRE, Lab
from tests.servers.polling import until
from tests.torture.aftermath import Trial, calm_down, end_well, played
from tests.torture.crew import share, spread
from tests.torture.lives import ANNA, BART, EMIL, ENROL, ONCE, PEOPLE
from tests.torture.nursery import Nursery, Warm
from tests.torture.promises import broken_now
from tests.torture.proxy import DEEDS, Fault, LineProxy
from tests.torture.stage import Stage

NASTY = re.compile(r"smtp .*(\.|DATA|AUTH)( |$)|literal|APPEND|IDLE|AUTHENTICATE|DONE|FETCH")
STOPPED_FOR = 300.0  # seconds for which a line that is lost at the log-in is left alone
GIVES_UP = frozenset({0, 69, 75})
"""Exit codes of a run whose servers are away: done, unreachable, try later."""


class RealServers:
    """Dovecot and Postfix behind two proxies, as a `World` of one account."""

    def __init__(self, lab: Lab, address: str, lines: Sequence[LineProxy]) -> None:
        self.address = address
        self.ports: Mapping[int, str] = {each.port: each.service for each in lines}
        self.lines = lines
        self._lab = lab

    def letters(self, address: str) -> Sequence[bytes]:
        """What lies in his INBOX."""
        return self._lab.mail(address)

    def unknown(self, address: str) -> bool:
        """The second hop knows the lab's users alone."""
        return not address.partition("@")[0][-1].isdigit()

    def mail(self, mailbox: str) -> Sequence[bytes]:
        """What lies there."""
        return self._lab.mail(self.address, mailbox)

    def deliver(self, message: bytes) -> None:
        """As the last hop does."""
        self._lab.deliver(self.address, message)

    def settle(self) -> None:
        """Until Postfix has nothing to do."""
        until(self._lab.postfix.is_empty, what="Postfix has delivered everything")


@contextmanager
def real_stage(lab: Lab, nursery: Nursery, names: Sequence[str]) -> Iterator[tuple[Stage, RealServers]]:
    """An account of its own on the lab's servers, with these people, to whom she has written."""
    mark = f"-{os.getpid()}-"  # several processes share the lab, and each counts by itself
    her = lab.new_user(f"maya{mark}", "consultant.test")
    people = {name: "emil@prospect.test" if name == EMIL else lab.new_user(f"{name}{mark}") for name in names}
    imap = LineProxy("imap", lab.host, lab.imap_port)
    smtp = LineProxy("smtp", lab.host, lab.postfix.plain_port)
    with tempfile.TemporaryDirectory() as folder, imap, smtp:
        desk = Desk(Path(folder))
        desk.configure(imap.port, smtp.port)
        config = desk.config.read_text().replace("maya@lind.example", her).replace("brake = 3", "brake = 25")
        desk.config.write_text(config)
        (desk.folder / "password").write_text(f"{lab.password}\n")
        desk.rule(wait="at once")
        client = lab.imap(her)
        for address in people.values():
            client.append("Sent", "(\\Seen)", None, _letter_of_hers(her, address))
        client.logout()
        servers = RealServers(lab, her, (imap, smtp))
        stage = Stage(desk, servers, people, nursery)
        stage.list_people()
        yield stage, servers


def _letter_of_hers(her: str, address: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = f"Maya Lind <{her}>", address, "The proposal"
    letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="consultant.test")
    letter.set_content("Here it is.\n")
    return letter.as_bytes(policy=WIRE)


@dataclass(slots=True, kw_only=True)
class Struck(Trial[Fault]):
    """What came of a fault; the kinds of lines that were said, by service and whether its server said them."""

    heard: dict[tuple[str, bool], list[str]] = field(default_factory=dict)


def play(scene: str, stage: Stage, servers: RealServers, fault: Fault | None = None) -> Struck:
    """The scene with this fault in it, and what follows."""
    trial = Struck(scene=scene, trouble=fault)
    played(trial, partial(_play_scene, trial, stage, servers))
    return trial


def _play_scene(trial: Struck, stage: Stage, servers: RealServers) -> None:
    ended = stage.run(*ENROL.words)
    assert ended.code == 0, f"{ENROL.words} ended with {ended.code}"
    stage.answer(BART, "Yes, gladly. Shall we talk on Friday?\n")
    for line in servers.lines:
        line.arm(trial.trouble)
    try:
        SCENES[trial.scene](stage)
    finally:
        for line in servers.lines:
            _note(trial, line)
            line.arm(None)
    trial.broken += broken_now(stage)
    calm_down(stage, 0.0, STOPPED_FOR)
    trial.broken += end_well(stage, 20_000)


def _note(trial: Struck, line: LineProxy) -> None:
    heard, fault = line.heard(), trial.trouble
    trial.heard |= {(line.service, side): kinds for side, kinds in heard.items()}
    if fault and line.struck.is_set():
        trial.hit = f"{kind_of(fault)}: {heard[fault.from_server][fault.at - 1]}"


def kind_of(fault: Fault) -> str:
    """Whose line it is."""
    return f"{fault.service} {'server' if fault.from_server else 'agent'}"


def _once(stage: Stage) -> None:
    """One run, which may give up."""
    ended = stage.run(*ONCE, impatient=True)
    assert ended.code in GIVES_UP, f"run ended with {ended.code}"


def _watch(stage: Stage) -> None:
    """It watches; Anna answers, and that is seen in spite of everything."""
    anna = stage.people[ANNA]
    running = stage.begin("run", "--log-json", impatient=True)
    try:
        until(lambda: _is_handled(stage, stage.conversations()[anna]), what="it was sent, or not")
        stage.world.settle()
        stage.answer(ANNA, "Thank you, it is the second part.\n")
        until(lambda: stage.conversations()[anna].state is State.ANSWERED, what="the answer is seen")
    finally:
        running.stop()
        code = running.end().code
    assert code == 0, f"run ended with {code}"


def _is_handled(stage: Stage, conversation: Conversation) -> bool:
    known = any(each.word in (Word.SENT, Word.UNCERTAIN, Word.DEFERRED) for each in conversation.events)
    return known or any(line["event"] == "sending_stopped" for line in stage.told())


SCENES: Mapping[str, Callable[[Stage], None]] = {"once": _once, "watching": _watch}


def torture(count: int, lab: Lab, scenes: Iterable[str] = SCENES, jobs: int = 1) -> Iterator[Struck]:
    """So many faults, or as many as there are: first one of each deed at each kind of line. The scenes themselves,
    without any fault, come first."""
    found: list[tuple[Fault, str]] = []
    work = partial(_play, lab)
    for whole in share(work, [(scene, None) for scene in scenes], Warm, jobs):
        yield whole
        found += _faults(whole)
    yield from share(work, [(each.scene, each) for each in spread(found, NASTY)[:count]], Warm, jobs)


def _play(lab: Lab, nursery: Nursery, part: tuple[str, Fault | None]) -> Struck:
    scene, fault = part
    with real_stage(lab, nursery, (ANNA, BART)) as (stage, servers):
        return play(scene, stage, servers, fault)


def _faults(whole: Struck) -> Iterator[tuple[Fault, str]]:
    for (service, from_server), kinds in whole.heard.items():
        for at, kind in enumerate(kinds, 1):
            for deed in DEEDS:
                fault = Fault(scene=whole.scene, service=service, from_server=from_server, at=at, deed=deed)
                yield fault, f"{kind_of(fault)}: {kind} {deed}"


def again(fault: Fault, lab: Lab) -> Iterator[Struck]:
    """This fault alone."""
    with closing(Warm()) as nursery, real_stage(lab, nursery, (ANNA, BART)) as (stage, servers):
        trial = play(fault.scene, stage, servers, fault)
        print(stage.log.read_text())
        yield trial


@contextmanager
def killable_stage(lab: Lab, nursery: Nursery) -> Iterator[Stage]:
    """Everybody on real servers, for those who kill."""
    with real_stage(lab, nursery, PEOPLE) as (stage, _):
        yield stage
