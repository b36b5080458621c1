"""The table of reply codes: what each answer means in its phase, and what holds for every answer there can be."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxagent.outreach.outbox import Fate, Outcome, Phase, Scope
from inboxagent.outreach.replies import LONGEST_TEXT, TABLE, read_break, read_reply

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SENT = "sent letter"
UNCERTAIN = "uncertain letter"
STOP = "refused account"
LETTER = "refused letter"
PROSPECT = "refused prospect"


def later(scope: str, after: timedelta) -> tuple[str, timedelta]:
    return f"deferred {scope}", after


ACCOUNT_MINUTE = later("account", MINUTE)
ACCOUNT_5 = later("account", 5 * MINUTE)
ACCOUNT_15 = later("account", 15 * MINUTE)
ACCOUNT_HOUR = later("account", HOUR)
TOMORROW = later("account", DAY)
LETTER_15 = later("letter", 15 * MINUTE)

ANSWERS: list[tuple[str, str, str | tuple[str, timedelta]]] = [
    ("connect", "421 4.3.2 too busy", ACCOUNT_MINUTE),
    ("connect", "450 4.7.1 not yet", ACCOUNT_MINUTE),
    ("connect", "451 4.3.0 no database", ACCOUNT_5),
    ("connect", "554 5.7.1 no mail from there", ACCOUNT_HOUR),
    ("connect", "200 hello", ACCOUNT_5),
    ("tls", "454 4.7.0 no TLS today", ACCOUNT_MINUTE),
    ("tls", "501 5.5.4 no parameters, please", ACCOUNT_HOUR),
    ("auth", "454 4.7.0 the log-in service rests", ACCOUNT_5),
    ("auth", "432 4.7.12 change your password", ACCOUNT_5),
    ("auth", "432 4.3.2 too many sessions", ACCOUNT_MINUTE),
    ("auth", "421 4.7.0 too many tries", ACCOUNT_5),
    ("auth", "535 5.7.8 wrong", STOP),
    ("auth", "534 5.7.9 use an app password", STOP),
    ("auth", "530 5.7.0 first STARTTLS", STOP),
    ("auth", "538 5.7.11 not in clear", STOP),
    ("auth", "535 5.7.139 switched off for all", STOP),
    ("auth", "550 5.7.30 passwords are retired", STOP),
    ("auth", "504 5.5.4 no such mechanism", STOP),
    ("auth", "334 go on", ACCOUNT_5),
    ("mail", "432 4.3.2 three at most", ACCOUNT_MINUTE),
    ("mail", "451 in a while", ACCOUNT_5),
    ("mail", "452 4.3.1 disk full", ACCOUNT_5),
    ("mail", "421 4.7.0 slow down", ACCOUNT_5),
    ("mail", "450 4.7.1 too many messages from you", ACCOUNT_15),
    ("mail", "550 5.7.60 not as this sender", STOP),
    ("mail", "553 5.7.1 Sender address rejected", STOP),
    ("mail", "553 no", STOP),
    ("mail", "550 5.7.1 no", STOP),
    ("mail", "550 5.1.8 no such domain", STOP),
    ("mail", "530 5.7.57 log in first", STOP),
    ("mail", "535 5.7.3 your session has ended", STOP),
    ("mail", "552 5.2.2 your mailbox is full", ACCOUNT_HOUR),
    ("mail", "554 5.2.2 your mailbox is full", ACCOUNT_HOUR),
    ("mail", "452 4.2.2 your mailbox is full", ACCOUNT_HOUR),
    ("mail", "552 5.3.4 4 MB is the limit", LETTER),
    ("mail", "552 too big", LETTER),
    ("mail", "550 5.4.5 enough for today", TOMORROW),
    ("mail", "554 5.7.1 client host is on a list", ACCOUNT_HOUR),
    ("mail", "550 no", ACCOUNT_HOUR),
    ("mail", "503 5.5.1 nested MAIL", ACCOUNT_5),
    ("mail", "555 5.5.4 SIZE? what SIZE?", ACCOUNT_5),
    ("mail", "354 what?", ACCOUNT_5),
    ("rcpt", "450 4.7.1 greylisted", LETTER_15),
    ("rcpt", "451 4.7.1 greylisted for 300 seconds", LETTER_15),
    ("rcpt", "450 4.2.1 he gets mail too fast", LETTER_15),
    ("rcpt", "452 4.2.2 his mailbox is over quota", LETTER_15),
    ("rcpt", "452 4.5.3 too many at once", LETTER_15),
    ("rcpt", "552 5.2.2 the user's quota is reached", LETTER),
    ("rcpt", "552 mailbox size limit exceeded", LETTER),
    ("rcpt", "450 4.7.1 rate limit of your account", ACCOUNT_15),
    ("rcpt", "451 4.3.0 lookup failed", ACCOUNT_5),
    ("rcpt", "550 5.1.1 nobody", PROSPECT),
    ("rcpt", "550 5.1.2 no such domain", PROSPECT),
    ("rcpt", "550 5.1.3 not an address", PROSPECT),
    ("rcpt", "551 5.1.6 he has moved", PROSPECT),
    ("rcpt", "550 5.1.10 not found", PROSPECT),
    ("rcpt", "550 5.2.1 switched off", PROSPECT),
    ("rcpt", "550 5.4.1 refused", PROSPECT),
    ("rcpt", "551 not here", PROSPECT),
    ("rcpt", "553 not allowed", PROSPECT),
    ("rcpt", "501 syntax", PROSPECT),
    ("rcpt", "550 nobody", PROSPECT),
    ("rcpt", "553 5.6.7 needs SMTPUTF8", LETTER),
    ("rcpt", "550 5.7.1 relaying denied", STOP),
    ("rcpt", "554 5.7.1 <a@b.test>: Relay access denied", STOP),
    ("rcpt", "550 relay not permitted", STOP),
    ("rcpt", "550 5.7.54 unable to relay", STOP),
    ("rcpt", "553 5.7.1 <m@a.test>: Sender address rejected: not owned by user bo", STOP),
    ("rcpt", "550 5.1.8 bad outbound sender", STOP),
    ("rcpt", "550 5.7.1 unwanted", LETTER),
    ("rcpt", "554 5.7.1 unwanted", LETTER),
    ("rcpt", "554 looks like spam", LETTER),
    ("rcpt", "554 no", LETTER),
    ("rcpt", "550 5.4.5 enough for today", TOMORROW),
    ("rcpt", "550 5.7.1 outbound rate limit exceeded", TOMORROW),
    ("dot", "554 5.7.0 throttled", TOMORROW),
    ("rcpt", "550 you reached your daily sending limit", TOMORROW),
    ("rcpt", "550 5.5.0 something", LETTER_15),
    ("rcpt", "503 5.5.1 MAIL first", ACCOUNT_5),
    ("rcpt", "421 4.4.2 idle too long", ACCOUNT_5),
    ("data", "552 5.3.4 too big", LETTER),
    ("data", "554 5.6.0 malformed", LETTER),
    ("data", "503 5.5.1 RCPT first", ACCOUNT_5),
    ("data", "554 5.5.1 no valid recipients", ACCOUNT_5),
    ("data", "500 what?", ACCOUNT_5),
    ("data", "552 5.2.2 your mailbox is full", ACCOUNT_HOUR),
    ("data", "550 5.7.1 policy", LETTER),
    ("data", "554 no", LETTER),
    ("data", "451 later", LETTER_15),
    ("data", "250 fine", ACCOUNT_5),
    ("dot", "250 2.0.0 queued", SENT),
    ("dot", "252 will try", SENT),
    ("dot", "200 fine", SENT),
    ("dot", "421 4.4.2 timeout", UNCERTAIN),
    ("dot", "354 more", UNCERTAIN),
    ("dot", "600 what is that", UNCERTAIN),
    ("dot", "25 cut off", UNCERTAIN),
    ("dot", "-1 garbage", UNCERTAIN),
    ("dot", "451 4.3.0 try again", LETTER_15),
    ("dot", "450 4.7.1 later", LETTER_15),
    ("dot", "432 4.3.2 three at most", ACCOUNT_MINUTE),
    ("dot", "554 5.2.0 STOREDRV.Submission; SubmissionQuotaExceeded", TOMORROW),
    ("dot", "550 5.4.5 enough for today", TOMORROW),
    ("dot", "550 5.7.26 not authenticated", LETTER),
    ("dot", "554 5.7.1 spam", LETTER),
    ("dot", "554 5.2.252 SendAsDenied", STOP),
    ("dot", "554 5.6.0 malformed", LETTER),
    ("dot", "552 5.2.2 full", LETTER),
    ("dot", "550 5.1.1 nobody", LETTER),
    ("dot", "550 5.5.0 something", LETTER_15),
    ("dot", "554 no", LETTER),
]


def read(phase: str, line: str) -> Outcome:
    code, _, text = line.partition(" ")
    return read_reply(Phase(phase), int(code), text)


@pytest.mark.parametrize(("phase", "line", "expected"), ANSWERS, ids=lambda value: str(value)[:40])
def test_answer(phase: str, line: str, expected: str | tuple[str, timedelta]) -> None:
    outcome = read(phase, line)
    meaning, after = expected if isinstance(expected, tuple) else (expected, None)
    assert (f"{outcome.fate} {outcome.scope}", outcome.retry_after) == (meaning, after)
    assert outcome.fatal == (meaning == STOP)


def test_no_row_of_the_table_is_dead() -> None:
    """Each row is the first that fits one of the answers above."""
    used = set()
    for phase, line, _ in ANSWERS:
        code, _, text = line.partition(" ")
        status = read(phase, line).status or ""
        used.add(next(i for i, row in enumerate(TABLE) if row.fits(Phase(phase), code, status, text)))
    assert [row for i, row in enumerate(TABLE) if i not in used] == []


@pytest.mark.parametrize(
    ("phase", "line", "policy"),
    [
        ("rcpt", "550 5.7.1 unwanted", True),
        ("data", "554 5.7.1 unwanted", True),
        ("dot", "550 5.7.26 not authenticated", True),
        ("dot", "554 rejected for its reputation", True),
        ("rcpt", "550 5.1.1 nobody", False),
        ("dot", "554 no", False),
        ("rcpt", "550 5.7.1 relaying denied", False),
    ],
)
def test_policy_refusals_are_marked(phase: str, line: str, policy: bool) -> None:
    """Two of them within a day stop the account; a refusal of another kind does not count."""
    assert read(phase, line).policy is policy


REPLIES = st.builds(
    read_reply,
    st.sampled_from(Phase),
    st.one_of(st.integers(-10, 999), st.integers(400, 599)),
    st.one_of(
        st.text(),
        st.binary(max_size=80).map(lambda octets: octets.decode("utf-8", "surrogateescape")),
        st.builds("{}.{}.{} {}".format, st.integers(2, 5), st.integers(0, 9), st.integers(0, 99), st.text()),
    ),
    address=st.one_of(st.none(), st.just("anna@prospect.test")),
)
BREAKS = st.builds(read_break, st.sampled_from(Phase), st.text())
OUTCOMES = st.one_of(REPLIES, BREAKS)


@given(REPLIES)
def test_only_the_dot_can_send_and_only_a_clear_answer_tells(outcome: Outcome) -> None:
    """SENT is a 2yz to the dot; a 421 or anything unreadable there is uncertain; nothing else ever is either."""
    if outcome.fate in (Fate.SENT, Fate.UNCERTAIN):
        assert outcome.phase is Phase.DOT
    if outcome.phase is Phase.DOT and outcome.fate in (Fate.DEFERRED, Fate.REFUSED):
        assert outcome.code is not None
        assert 400 <= outcome.code <= 599
        assert outcome.code != 421
    if outcome.phase is Phase.DOT and outcome.code is not None and 200 <= outcome.code <= 299:
        assert outcome.fate is Fate.SENT


@given(OUTCOMES)
def test_what_holds_for_every_outcome(outcome: Outcome) -> None:
    assert (outcome.retry_after is not None) == (outcome.fate is Fate.DEFERRED)
    assert outcome.fatal == (outcome.fate is Fate.REFUSED and outcome.scope is Scope.ACCOUNT)
    assert not outcome.policy or outcome.fate is Fate.REFUSED
    assert outcome.means
    assert len(outcome.text) <= LONGEST_TEXT
    assert "\n" not in outcome.text
    assert outcome.text.encode()


@settings(deadline=60_000)  # a pattern that explodes takes hours
@given(
    st.sampled_from(Phase), st.integers(200, 599), st.text(alphabet="5.71 relay exceed daily rate not to", max_size=50)
)
def test_it_reads_long_replies_quickly(phase: Phase, code: int, piece: str) -> None:
    """Whatever a server repeats, only a line of it is looked at."""
    assert read_reply(phase, code, piece * 2_000).means


def test_a_permanent_code_never_becomes_uncertain_by_its_words() -> None:
    assert read("dot", "554 421 4.3.2 timeout").fate is Fate.REFUSED


def test_the_servers_words_are_kept_on_one_line() -> None:
    outcome = read_reply(Phase.DOT, 250, "2.0.0 OK <ab12@relay.test>\n2.0.0 [Host=mx7]\tqueued")
    assert outcome.text == "250 2.0.0 OK <ab12@relay.test> [Host=mx7] queued"
    assert (outcome.code, outcome.status) == (250, "2.0.0")


def test_octets_that_are_no_text_can_be_stored() -> None:
    text = b"2.0.0 gr\xfc\xdfe \x1b[31m".decode("utf-8", "surrogateescape")
    assert read_reply(Phase.DOT, 250, text).text == "250 2.0.0 gr e [31m"


@pytest.mark.parametrize("text", ["version 5.1.1 of it", "5.1.1.1 is no status", "55.1.1 neither", ""])
def test_a_status_stands_at_the_beginning(text: str) -> None:
    assert read_reply(Phase.RCPT, 550, text).status is None


@pytest.mark.parametrize("phase", [each for each in Phase if each is not Phase.DOT])
def test_a_line_that_breaks_before_the_dot_is_deferred(phase: Phase) -> None:
    outcome = read_break(phase, "connection reset")
    assert outcome.fate is Fate.DEFERRED
    early = phase in (Phase.CONNECT, Phase.TLS, Phase.AUTH, Phase.MAIL)
    assert outcome.scope is (Scope.ACCOUNT if early else Scope.LETTER)


def test_a_line_that_breaks_after_the_dot_is_uncertain() -> None:
    assert read_break(Phase.DOT, "connection reset").fate is Fate.UNCERTAIN


AMAZON = "0102018f3c1e2a7b-5d6e7f80-1234-4a5b-8c9d-0123456789ab-000000"


@pytest.mark.parametrize(
    ("host", "text", "names"),
    [
        (
            "smtp.office365.com",
            "2.0.0 OK <AM0PR07@AM0PR07.prod.outlook.test> [Host=x]",
            ("<AM0PR07@AM0PR07.prod.outlook.test>",),
        ),
        ("email-smtp.eu-west-1.amazonaws.com", f"Ok {AMAZON}", (f"<{AMAZON}@eu-west-1.amazonses.com>",)),
        ("email-smtp.us-east-1.amazonaws.com", f"Ok {AMAZON}", (f"<{AMAZON}@email.amazonses.com>",)),
        ("smtp.lind.example", f"Ok {AMAZON}", ()),
        ("email-smtp.eu-west-1.amazonaws.com", "Ok queued", ()),
        ("smtp.lind.example", "2.0.0 Ok: queued as 4A1", ()),
    ],
)
def test_the_message_id_that_the_server_gave_it(host: str, text: str, names: tuple[str, ...]) -> None:
    assert read_reply(Phase.DOT, 250, text, host=host).names == names


def test_a_refusal_names_nothing() -> None:
    assert read_reply(Phase.DOT, 554, "5.7.1 <a@b.test>: no").names == ()
