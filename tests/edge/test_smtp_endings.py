"""Every way a send can end, against a server that knows the truth: what it says, what we make of it, what it has."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from inboxagent.edge.smtp import SmtpTransport
from inboxagent.edge.smtp_session import Timeouts
from inboxagent.outreach.outbox import Envelope, Fate, Outcome, Phase, Scope
from tests.fakes.scripted_smtp import HOST, POLITE, Act, ScriptedServer, accept, hang_up, say, scripted

HIM = "anna@prospect.test"
COPY = "cc@prospect.test"
ENVELOPE = Envelope(reverse_path="maya@lind.example", forward_paths=(HIM,))
WITH_COPY = Envelope(reverse_path="maya@lind.example", forward_paths=(HIM, COPY))
LETTER = b"From: maya@lind.example\r\nTo: anna@prospect.test\r\nSubject: Proposal\r\n\r\nHello Anna\r\n.\r\n..dots\r\n"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SILENT = Act(then="be silent")
LOG_IN = say("250-mail.consultant.test\r\n250 AUTH PLAIN LOGIN")
RESET = Act(then="reset")


POLITE_PACE = Timeouts(connect=60, command=60, dot=60, quit=0.3)
QUICK = Timeouts(connect=1, command=1, dot=1, quit=0.3)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The first time the cue comes the server acts so; afterwards it is polite."""

    name: str
    cue: str
    act: Act
    phase: Phase
    fate: Fate
    scope: Scope = Scope.LETTER
    after: timedelta | None = None
    has_it: bool = False
    policy: bool = False

    @property
    def timeouts(self) -> Timeouts:
        """A test of silence must not take long; everything else gets its time."""
        return QUICK if self.act.then == "be silent" else POLITE_PACE

    @property
    def locks_out(self) -> bool:
        """A refused log-in is never tried again by itself."""
        return self.phase is Phase.AUTH and self.fate is Fate.REFUSED

    @property
    def script(self) -> dict[str, Act | list[Act]]:
        """What the server does otherwise than a polite one."""
        offer: dict[str, Act | list[Act]] = {"EHLO": LOG_IN} if self.cue == "AUTH" else {}
        return {**offer, self.cue: [self.act, POLITE.get(self.cue.split(" ")[0], Act())]}

    @property
    def envelope(self) -> Envelope:
        return WITH_COPY if "TO:" in self.cue else ENVELOPE

    @property
    def address(self) -> str | None:
        return None if self.phase is not Phase.RCPT else COPY if "<cc@" in self.cue else HIM


def sent(name: str, act: Act) -> Ending:
    return Ending(name=name, cue="dot", act=act, phase=Phase.DOT, fate=Fate.SENT, has_it=True)


def uncertain(name: str, act: Act) -> Ending:
    return Ending(name=name, cue="dot", act=act, phase=Phase.DOT, fate=Fate.UNCERTAIN, has_it=act.accepts)


def later(name: str, cue: str, act: Act, phase: Phase, scope: Scope, after: timedelta) -> Ending:
    return Ending(name=name, cue=cue, act=act, phase=phase, fate=Fate.DEFERRED, scope=scope, after=after)


def never(name: str, cue: str, act: Act, phase: Phase, scope: Scope, *, policy: bool = False) -> Ending:
    return Ending(name=name, cue=cue, act=act, phase=phase, fate=Fate.REFUSED, scope=scope, policy=policy)


ENDINGS = [
    # The line, before the dot: provably unsent.
    later("no banner", "connect", SILENT, Phase.CONNECT, Scope.ACCOUNT, MINUTE),
    later("closed instead of a banner", "connect", hang_up(), Phase.CONNECT, Scope.ACCOUNT, MINUTE),
    later("reset instead of a banner", "connect", RESET, Phase.CONNECT, Scope.ACCOUNT, MINUTE),
    later("421 banner", "connect", hang_up(b"421 4.3.2 busy\r\n"), Phase.CONNECT, Scope.ACCOUNT, MINUTE),
    later("554 banner", "connect", say("554 5.7.1 not you"), Phase.CONNECT, Scope.ACCOUNT, HOUR),
    later("garbage banner", "connect", say("SSH-2.0-none"), Phase.CONNECT, Scope.ACCOUNT, 5 * MINUTE),
    later("EHLO refused", "EHLO", say("550 who are you"), Phase.CONNECT, Scope.ACCOUNT, HOUR),
    later("drops at EHLO", "EHLO", hang_up(), Phase.CONNECT, Scope.ACCOUNT, MINUTE),
    later("drops at MAIL", "MAIL", hang_up(), Phase.MAIL, Scope.ACCOUNT, MINUTE),
    later("silent at MAIL", "MAIL", SILENT, Phase.MAIL, Scope.ACCOUNT, MINUTE),
    later("drops at RCPT", "RCPT", hang_up(), Phase.RCPT, Scope.LETTER, 5 * MINUTE),
    later("drops at DATA", "DATA", hang_up(), Phase.DATA, Scope.LETTER, 5 * MINUTE),
    later("silent at DATA", "DATA", SILENT, Phase.DATA, Scope.LETTER, 5 * MINUTE),
    later("drops in mid-body", "body", hang_up(), Phase.BODY, Scope.LETTER, 5 * MINUTE),
    later("resets in mid-body", "body", RESET, Phase.BODY, Scope.LETTER, 5 * MINUTE),
    # The log-in: a refusal is final, anything else passes.
    later("log-in not possible now", "AUTH", say("454 4.7.0 rest"), Phase.AUTH, Scope.ACCOUNT, 5 * MINUTE),
    later("log-in later", "AUTH", say("432 4.7.12 later"), Phase.AUTH, Scope.ACCOUNT, 5 * MINUTE),
    later("too many sessions", "AUTH", say("432 4.3.2 three at most"), Phase.AUTH, Scope.ACCOUNT, MINUTE),
    later("drops at AUTH", "AUTH", hang_up(), Phase.AUTH, Scope.ACCOUNT, 5 * MINUTE),
    never("wrong password", "AUTH", say("535 5.7.8 wrong"), Phase.AUTH, Scope.ACCOUNT),
    never("app password wanted", "AUTH", say("534 5.7.9 app password"), Phase.AUTH, Scope.ACCOUNT),
    never("basic authentication is off", "AUTH", say("535 5.7.139 off"), Phase.AUTH, Scope.ACCOUNT),
    never("encryption wanted first", "AUTH", say("538 5.7.11 not in clear"), Phase.AUTH, Scope.ACCOUNT),
    never("passwords are retired", "AUTH", say("550 5.7.30 retired"), Phase.AUTH, Scope.ACCOUNT),
    # MAIL: about her.
    later("421 at MAIL", "MAIL", hang_up(b"421 4.7.0 later\r\n"), Phase.MAIL, Scope.ACCOUNT, 5 * MINUTE),
    later("451 at MAIL", "MAIL", say("451 try later"), Phase.MAIL, Scope.ACCOUNT, 5 * MINUTE),
    later("452 disk full", "MAIL", say("452 4.3.1 no space"), Phase.MAIL, Scope.ACCOUNT, 5 * MINUTE),
    later("her mailbox is full", "MAIL", say("552 5.2.2 yours is full"), Phase.MAIL, Scope.ACCOUNT, HOUR),
    never("too big, says MAIL", "MAIL", say("552 5.3.4 too big"), Phase.MAIL, Scope.LETTER),
    never("not her address", "MAIL", say("550 5.7.60 not as this sender"), Phase.MAIL, Scope.ACCOUNT),
    never("553 sender", "MAIL", say("553 not yours"), Phase.MAIL, Scope.ACCOUNT),
    never("no log-in, no mail", "MAIL", say("530 5.7.0 log in first"), Phase.MAIL, Scope.ACCOUNT),
    later("a third connection", "MAIL", say("432 4.3.2 three at most"), Phase.MAIL, Scope.ACCOUNT, MINUTE),
    later("daily limit at MAIL", "MAIL", say("550 5.4.5 Daily limit"), Phase.MAIL, Scope.ACCOUNT, 24 * HOUR),
    later("two answers to MAIL", "MAIL", say("250 ok\r\n550 5.1.1 nobody"), Phase.RCPT, Scope.ACCOUNT, 5 * MINUTE),
    # RCPT: about him.
    later("greylisted", "RCPT", say("451 4.7.1 come back"), Phase.RCPT, Scope.LETTER, 15 * MINUTE),
    later("his mailbox is full", "RCPT", say("452 4.2.2 full"), Phase.RCPT, Scope.LETTER, 15 * MINUTE),
    later("he gets mail too fast", "RCPT", say("450 4.2.1 too fast"), Phase.RCPT, Scope.LETTER, 15 * MINUTE),
    later("too many recipients", "RCPT", say("452 4.5.3 too many"), Phase.RCPT, Scope.LETTER, 15 * MINUTE),
    later("5.5.0 at RCPT", "RCPT", say("550 5.5.0 error"), Phase.RCPT, Scope.LETTER, 15 * MINUTE),
    never("no such domain", "RCPT", say("550 5.1.2 no domain"), Phase.RCPT, Scope.PROSPECT),
    never("not an address", "RCPT", say("501 5.1.3 not an address"), Phase.RCPT, Scope.PROSPECT),
    never("he has moved", "RCPT", say("551 5.1.6 moved"), Phase.RCPT, Scope.PROSPECT),
    never("553 recipient", "RCPT", say("553 not here"), Phase.RCPT, Scope.PROSPECT),
    later("421 at RCPT", "RCPT", hang_up(b"421 bye\r\n"), Phase.RCPT, Scope.ACCOUNT, 5 * MINUTE),
    never("nobody of that name", "RCPT", say("550 5.1.1 unknown"), Phase.RCPT, Scope.PROSPECT),
    never("550 without a status", "RCPT", say("550 no"), Phase.RCPT, Scope.PROSPECT),
    never("no relaying", "RCPT", say("554 5.7.1 Relay access denied"), Phase.RCPT, Scope.ACCOUNT),
    never("policy at RCPT", "RCPT", say("550 5.7.1 not wanted here"), Phase.RCPT, Scope.LETTER, policy=True),
    never("the copy is refused", "RCPT TO:<cc@", say("550 5.1.1 unknown"), Phase.RCPT, Scope.LETTER),
    later("the copy is greylisted", "RCPT TO:<cc@", say("450 4.7.1 later"), Phase.RCPT, Scope.LETTER, 15 * MINUTE),
    never("he of two is refused", "RCPT TO:<anna@", say("550 5.1.1 unknown"), Phase.RCPT, Scope.PROSPECT),
    # Limits of the account, wherever they show.
    later("daily limit at RCPT", "RCPT", say("550 5.4.5 Daily limit"), Phase.RCPT, Scope.ACCOUNT, 24 * HOUR),
    later("daily limit at DATA", "DATA", say("550 5.4.5 Daily limit"), Phase.DATA, Scope.ACCOUNT, 24 * HOUR),
    later(
        "daily limit at the dot",
        "dot",
        say("550-5.4.5 Daily limit\r\n550 5.4.5 reached"),
        Phase.DOT,
        Scope.ACCOUNT,
        24 * HOUR,
    ),
    later(
        "submission quota",
        "dot",
        say("554 5.2.0 STOREDRV; SubmissionQuotaExceeded"),
        Phase.DOT,
        Scope.ACCOUNT,
        24 * HOUR,
    ),
    later("too many connections", "dot", say("432 4.3.2 sender thread limit"), Phase.DOT, Scope.ACCOUNT, MINUTE),
    # DATA and the dot: about the letter.
    never("554 at DATA", "DATA", say("554 no"), Phase.DATA, Scope.LETTER),
    later("her mailbox is full, says DATA", "DATA", say("554 5.2.2 full"), Phase.DATA, Scope.ACCOUNT, HOUR),
    never("too big, says DATA", "DATA", say("552 5.3.4 too big"), Phase.DATA, Scope.LETTER),
    never("policy at DATA", "DATA", say("550 5.7.1 no"), Phase.DATA, Scope.LETTER, policy=True),
    later("500 at DATA", "DATA", say("500 5.5.2 what?"), Phase.DATA, Scope.ACCOUNT, 5 * MINUTE),
    later("503 at DATA", "DATA", say("503 5.5.1 out of order"), Phase.DATA, Scope.ACCOUNT, 5 * MINUTE),
    later("250 to DATA", "DATA", say("250 fine"), Phase.DATA, Scope.ACCOUNT, 5 * MINUTE),
    later("two answers to DATA", "DATA", say("354 go\r\n250 queued"), Phase.BODY, Scope.LETTER, 5 * MINUTE),
    later("451 at the dot", "dot", say("451 4.3.0 in a minute"), Phase.DOT, Scope.LETTER, 15 * MINUTE),
    never("554 at the dot", "dot", say("554 5.0.0 no"), Phase.DOT, Scope.LETTER),
    never("malformed, at the dot", "dot", say("554 5.6.0 malformed"), Phase.DOT, Scope.LETTER),
    never("not authenticated, at the dot", "dot", say("550 5.7.26 DMARC"), Phase.DOT, Scope.LETTER, policy=True),
    later("450 at the dot", "dot", say("450 4.7.1 later"), Phase.DOT, Scope.LETTER, 15 * MINUTE),
    never("spam at the dot", "dot", say("554 5.7.1 spam"), Phase.DOT, Scope.LETTER, policy=True),
    later("550 5.5.0 says nothing", "dot", say("550 5.5.0 error"), Phase.DOT, Scope.LETTER, 15 * MINUTE),
    sent("accepted", accept()),
    sent("252 after the dot", accept("252 will try")),
    sent("accepted in two lines", accept("250-2.0.0 Ok\r\n250 2.0.0 queued")),
    sent("250, then drops", accept("250 ok", then="close")),
    sent("250, then resets", accept("250 ok", then="reset")),
    sent("250, then 421", accept("250 ok\r\n421 bye", then="close")),
    # After the dot, without an answer that can be read.
    uncertain("accepts, then drops", hang_up(accepts=True)),
    uncertain("does not accept, drops", hang_up()),
    uncertain("accepts, then resets", Act(then="reset", accepts=True)),
    uncertain("accepts, says 25, drops", hang_up(b"25", accepts=True)),
    uncertain("accepts, says 250, drops before the end of the line", hang_up(b"250 ok", accepts=True)),
    uncertain("accepts, says 250-, drops", hang_up(b"250-queued\r\n", accepts=True)),
    uncertain("accepts, falls silent", Act(then="be silent", accepts=True)),
    uncertain("does not accept, falls silent", SILENT),
    uncertain("accepts, talks garbage", Act(b"thanks!\r\n", accepts=True)),
    uncertain("accepts, says 25 and a line end", Act(b"25\r\n", accepts=True)),
    uncertain("354 after the dot", say("354 more, please")),
    uncertain("421 after the dot", hang_up(b"421 4.4.2 timeout\r\n")),
    uncertain("421 after the dot, and has it", hang_up(b"421 4.4.2 timeout\r\n", accepts=True)),
]


def transport_to(
    server: ScriptedServer, timeouts: Timeouts, *, split_body: bool = True, logs_in: bool = False
) -> SmtpTransport:
    return SmtpTransport(
        HOST,
        server.port,
        "none",
        username="maya" if logs_in else None,
        password=(lambda: "secret") if logs_in else None,
        local_hostname="laptop.lind.example",
        split_body=split_body,
        timeouts=timeouts,
    )


async def send(
    transport: SmtpTransport, envelope: Envelope, lost: Callable[[], Awaitable[None]] | None = None
) -> Outcome:
    handover = await transport.hand_over(envelope, LETTER)
    if isinstance(handover, Outcome):
        return handover
    if lost is not None:
        await lost()
    return await handover.commit()


def check_words(ending: Ending, outcome: Outcome) -> None:
    """A whole reply line is kept: its code, its status and every word."""
    said = ending.act.says.decode()
    line = re.fullmatch(r"(\d{3}) (\d\.\d+\.\d+)?.*\r\n", said)
    if line is not None:
        assert (outcome.text, outcome.code, outcome.status) == (said.strip(), int(line[1]), line[2])
    assert outcome.text
    assert outcome.means


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
async def test_ending(ending: Ending) -> None:
    """The outcome is the expected one, agrees with the truth, and the next letter goes out."""
    cue = ending.cue.split(" ")[0]
    async with scripted(ending.script) as server:
        transport = transport_to(server, ending.timeouts, logs_in=ending.cue == "AUTH")
        outcome = await send(transport, ending.envelope, server.hung_up if cue == "body" else None)
        truth = len(server.accepted)

        assert (outcome.fate, outcome.scope, outcome.phase) == (ending.fate, ending.scope, ending.phase)
        assert (outcome.retry_after, outcome.policy, outcome.address) == (ending.after, ending.policy, ending.address)
        assert outcome.fatal == (ending.fate is Fate.REFUSED and ending.scope is Scope.ACCOUNT)
        check_words(ending, outcome)

        assert truth == ending.has_it
        assert outcome.fate is not Fate.SENT or truth == 1
        assert outcome.fate not in (Fate.DEFERRED, Fate.REFUSED) or truth == 0

        again = await send(transport, ending.envelope)
        assert again == outcome if ending.locks_out else again.fate is Fate.SENT
        assert len(server.accepted) == truth + (not ending.locks_out)
        assert set(server.accepted) <= {LETTER}
        await transport.close()


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
async def test_ending_with_the_body_kept_back(ending: Ending) -> None:
    """The same outcomes; only who falls over in mid-letter may get the dot after all, so that nobody knows."""
    async with scripted(ending.script) as server:
        transport = transport_to(server, ending.timeouts, split_body=False, logs_in=ending.cue == "AUTH")
        outcome = await send(transport, ending.envelope)
        truth = len(server.accepted)
        if ending.cue != "body":
            assert (outcome.fate, outcome.scope, outcome.phase) == (ending.fate, ending.scope, ending.phase)
        assert outcome.fate in (ending.fate, Fate.UNCERTAIN)
        assert truth == ending.has_it
        again = await send(transport, ending.envelope)
        assert (again.fate is Fate.SENT, len(server.accepted) - truth) == (not ending.locks_out, not ending.locks_out)
        await transport.close()


async def test_where_the_body_is_kept_back_nothing_follows_the_recipients_before_the_commit() -> None:
    async with scripted({}) as server:
        transport = transport_to(server, POLITE_PACE, split_body=False)
        handover = await transport.hand_over(ENVELOPE, LETTER)
        assert not isinstance(handover, Outcome)
        assert [line.split(" ")[0] for line in server.heard] == ["EHLO", "MAIL", "RCPT"]
        assert (await handover.commit()).fate is Fate.SENT
        assert server.accepted == [LETTER]
        await transport.close()


# The table of the research into what an answer means, row by row; TLS stands with the sessions.
ROWS = {
    "connect: DNS, refused, timeout, reset, 421 banner": ["no banner", "reset instead of a banner", "421 banner"],
    "AUTH 454, 432": ["log-in not possible now", "log-in later"],
    "AUTH 535 5.7.8": ["wrong password"],
    "AUTH 534, 530, 538, 535 5.7.139, 550 5.7.30": [
        *("app password wanted", "encryption wanted first", "basic authentication is off", "passwords are retired")
    ],
    "any 432 4.3.2": ["too many sessions", "a third connection", "too many connections"],
    "MAIL 451, 452 4.3.1, 421 4.7.0": ["451 at MAIL", "452 disk full", "421 at MAIL"],
    "MAIL 550 5.7.60, 553": ["not her address", "553 sender"],
    "MAIL, DATA 552 5.2.2, 554 5.2.2": ["her mailbox is full", "her mailbox is full, says DATA"],
    "any 550 5.4.5, 554 5.2.0 quota": [
        *("daily limit at MAIL", "daily limit at RCPT", "daily limit at DATA", "daily limit at the dot"),
        "submission quota",
    ],
    "RCPT 450, 451 4.7.1, 450 4.2.1, 452 4.2.2": ["greylisted", "he gets mail too fast", "his mailbox is full"],
    "RCPT 452 4.5.3": ["too many recipients"],
    "RCPT 550 5.1.x, 551, 553, 501": [
        *("nobody of that name", "no such domain", "not an address", "he has moved", "553 recipient")
    ],
    "RCPT 550 5.7.1 relaying denied": ["no relaying"],
    "RCPT, DATA, dot 5.7.1, 5.7.26": [
        *("policy at RCPT", "policy at DATA", "spam at the dot", "not authenticated, at the dot")
    ],
    "DATA 552 5.3.4, 554 5.6.x": ["too big, says DATA", "malformed, at the dot"],
    "DATA 503, 500": ["503 at DATA", "500 at DATA"],
    "dot 2yz": ["accepted", "252 after the dot"],
    "dot 4yz": ["451 at the dot", "450 at the dot"],
    "dot 421 and the line closes": ["421 after the dot", "421 after the dot, and has it"],
    "dot 5yz": ["554 at the dot"],
    "dot no answer, EOF, garbage, timeout": [
        *("accepts, falls silent", "accepts, then drops", "accepts, talks garbage", "accepts, then resets")
    ],
    "5.5.0 without more": ["550 5.5.0 says nothing", "5.5.0 at RCPT"],
}


def test_the_list_is_whole() -> None:
    """At least the 25 endings that were promised, each with a name of its own; every row of the table has some."""
    names = {ending.name for ending in ENDINGS}
    assert len(names) == len(ENDINGS) >= 25
    assert [name for endings in ROWS.values() for name in endings if name not in names] == []
    assert len(ROWS) == 22
