"""What a message does to a conversation: each verdict by each evidence, and nothing that could cause a letter."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

import pytest

from inboxagent.mail.classify import Kind, Verdict
from inboxagent.mail.headers import Address
from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.case import NOTHING, Arrival, Consequence
from inboxagent.outreach.events import By, Event, Word
from inboxagent.outreach.fold import advance, fold
from inboxagent.outreach.hours import Hours
from inboxagent.outreach.judgement import judge_his
from inboxagent.outreach.match import Evidence, Match
from inboxagent.outreach.model import Me
from inboxagent.outreach.own_hand import judge_hers
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State
from tests.fakes.messages import ANNA, MAYA, message, report
from tests.fakes.people import MONDAY, enrolled, happened, mail

HER = Me(name="Maya Lind", address=MAYA, aliases=("m.lind@home.example",), zone="Europe/Berlin")
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(days=frozenset(range(5)), between=((9 * 60, 17 * 60),))
RULE = Sequence(name="proposal", title="", steps=(), hours=OFFICE)
NOW = MONDAY + timedelta(days=1)
WAITING = fold("c1", [enrolled()])
INTENT = happened(Word.INTENT, 0.1, step="nudge", message_id="<2@lind.example>", mail=mail(2), text="A letter of ours.")
IN_DOUBT = fold("c1", [enrolled(), INTENT, happened(Word.UNCERTAIN, 0.2, message_id="<2@lind.example>", step="nudge")])
THREAD, ADDRESS, OURS, REPORT, TO_HIM, QUOTE, RECIPIENT = (
    Evidence.THREAD,
    Evidence.ADDRESS,
    Evidence.OURS,
    Evidence.REPORT,
    Evidence.TO_HIM,
    Evidence.QUOTE,
    Evidence.RECIPIENT,
)


def arrived(inbound: Inbound) -> Arrival:
    """It arrived an hour before it was read."""
    return Arrival(message=inbound, received_at=NOW - timedelta(hours=1), now=NOW)


def his(
    kind: Kind = Kind.REPLY,
    evidence: Evidence = THREAD,
    inbound: Inbound | None = None,
    conversation: Conversation = WAITING,
    **verdict: object,
) -> Consequence:
    """What somebody else's message does."""
    said = Verdict(kind=kind, because="a test says so", **verdict)  # type: ignore[arg-type]
    found = Match(conversation_id="c1", evidence=evidence, because="a test found it")
    return judge_his(conversation, found, said, arrived(inbound or message()), HER, RULE)


def hers(inbound: Inbound, evidence: Evidence = TO_HIM, conversation: Conversation = WAITING) -> Consequence:
    """What a message from her side does."""
    found = Match(conversation_id="c1", evidence=evidence, because="a test found it")
    return judge_hers(conversation, found, arrived(inbound), HER)


def words(consequence: Consequence) -> list[Word]:
    """The words of its events."""
    return [each.word for each in consequence.events]


def then(consequence: Consequence, conversation: Conversation = WAITING) -> Conversation:
    """The conversation afterwards."""
    return reduce(advance, consequence.events, conversation)


@pytest.mark.parametrize(
    ("kind", "evidence", "word", "state"),
    [
        (Kind.REPLY, THREAD, [Word.REPLY], State.ANSWERED),
        (Kind.REPLY, ADDRESS, [Word.REPLY], State.ANSWERED),
        (Kind.REPLY, OURS, [Word.REPLY], State.ANSWERED),
        (Kind.REPLY, REPORT, [Word.REPLY], State.ANSWERED),
        (Kind.AUTO_REPLY, THREAD, [Word.AUTO_REPLY], State.HELD),
        (Kind.AUTO_REPLY, ADDRESS, [Word.AUTO_REPLY], State.HELD),
        (Kind.UNSUBSCRIBE, THREAD, [Word.UNSUBSCRIBE], State.STOPPED),
        (Kind.UNSUBSCRIBE, ADDRESS, [Word.UNSUBSCRIBE], State.STOPPED),
        (Kind.UNSUBSCRIBE, REPORT, [Word.UNSUBSCRIBE], State.STOPPED),
        (Kind.BOUNCE, REPORT, [Word.BOUNCE], State.WAITING),
        (Kind.DELAYED, REPORT, [Word.DELAYED], State.WAITING),
        (Kind.OTHER, THREAD, [Word.NOTE], State.WAITING),
        (Kind.OTHER, REPORT, [Word.NOTE], State.WAITING),
        (Kind.OTHER, ADDRESS, [], State.WAITING),
        (Kind.REPLY, QUOTE, [Word.REPLY], State.ANSWERED),
        (Kind.UNSUBSCRIBE, QUOTE, [Word.REPLY], State.ANSWERED),
        (Kind.AUTO_REPLY, QUOTE, [Word.AUTO_REPLY], State.HELD),
        (Kind.OTHER, QUOTE, [], State.WAITING),
        (Kind.BOUNCE, RECIPIENT, [Word.BOUNCE], State.WAITING),
        (Kind.DELAYED, RECIPIENT, [Word.DELAYED], State.WAITING),
    ],
)
def test_each_verdict_by_each_evidence(kind: Kind, evidence: Evidence, word: list[Word], state: State) -> None:
    consequence = his(kind, evidence)
    assert words(consequence) == word
    assert then(consequence).state is state
    assert all("a test says so" in event.because for event in consequence.events)
    assert all(event.message_id == "<a1@prospect.test>" for event in consequence.events)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("evidence", list(Evidence))
@pytest.mark.parametrize("state", list(State))
def test_nothing_that_comes_in_brings_a_letter_nearer(kind: Kind, evidence: Evidence, state: State) -> None:
    """I19: neither out of a state that waits for her, nor by an earlier clock."""
    before = replace(WAITING, state=state, holds=() if state is not State.HELD else HELD.holds)
    after = then(his(kind, evidence, conversation=before, permanent=True, recipients=(ANNA,)), before)
    assert after.clock_at >= before.clock_at
    assert after.state is not State.WAITING or before.state is State.WAITING
    assert after.passed == before.passed


HELD = fold("c1", [enrolled(), happened(Word.HELD)])


@pytest.mark.parametrize(
    ("author", "evidence", "because"),
    [
        (ANNA, THREAD, "he answered: a test says so (a test found it)"),
        (ANNA, ADDRESS, "he wrote outside the thread: a test says so (a test found it)"),
        (
            "jane@prospect.test",
            THREAD,
            "his colleague jane@prospect.test answered in the thread: a test says so (a test found it)",
        ),
        ("x@x.test", REPORT, "x@x.test answered in the thread: a test says so (a test found it)"),
        ("x@x.test", QUOTE, "x@x.test seems to have got a letter of ours: a test says so (a test found it)"),
        ("", THREAD, "somebody answered in the thread: a test says so (a test found it)"),
        (f"{MAYA}\r\nReply-To: {ANNA}", ADDRESS, "he wrote outside the thread: a test says so (a test found it)"),
    ],
)
def test_an_answer_says_who_answered(author: str, evidence: Evidence, because: str) -> None:
    (event,) = his(evidence=evidence, inbound=message(author)).events
    assert event.because == because
    assert event.by is By.HIM
    assert (event.mail is None) == (evidence in (ADDRESS, QUOTE)), "what is outside the thread is not answered to"


def test_an_address_that_nobody_knew_is_proposed_once() -> None:
    private = message("anna@private.test")
    reply, proposed = his(inbound=private).events
    assert (reply.word, proposed.word, proposed.address) == (Word.REPLY, Word.PROPOSED, "anna@private.test")
    assert proposed.because.startswith("anna@private.test may be another address of his: a test found it")
    after = then(his(inbound=private))
    assert after.addresses == {ANNA}, "it is never stored silently"
    again = message("anna@private.test", Message_ID="<a2@private.test>")
    assert words(his(inbound=again, conversation=after)) == [Word.REPLY]


@pytest.mark.parametrize(
    ("author", "evidence"),
    [(ANNA, THREAD), ("jane@prospect.test", THREAD), ("x@x.test", QUOTE), ("x@x.test", OURS), ("", THREAD)],
)
def test_what_is_not_proposed(author: str, evidence: Evidence) -> None:
    assert words(his(inbound=message(author), evidence=evidence)) == [Word.REPLY]


def test_who_takes_part_in_the_thread_is_not_proposed() -> None:
    told = enrolled()
    assert told.enrolment is not None
    latest = replace(mail(1), cc=(Address("Bo", "bo@x.test"),))
    conversation = fold("c1", [replace(told, enrolment=replace(told.enrolment, latest=latest))])
    assert words(his(inbound=message("bo@x.test"), conversation=conversation)) == [Word.REPLY]


def test_two_people_at_a_public_provider_are_no_colleagues() -> None:
    conversation = fold("c1", [enrolled("anna@gmail.com")])
    reply, proposed = his(inbound=message("bo@gmail.com"), conversation=conversation).events
    assert "colleague" not in reply.because
    assert proposed.word is Word.PROPOSED


def test_a_report_without_an_id_ends_the_conversation_and_buries_no_address() -> None:
    dead = {"recipients": (ANNA,), "permanent": True}
    by_id, by_name = (his(Kind.BOUNCE, each, report(), **dead) for each in (REPORT, RECIPIENT))
    assert (then(by_id).state, then(by_name).state) == (State.STOPPED, State.STOPPED)
    assert by_id.suppress is not None
    assert by_name.suppress is None


def test_his_words_are_kept_and_cut() -> None:
    (event,) = his(new_text="x" * 5_000).events
    assert event.text == "x" * 2_000


@pytest.mark.parametrize(
    ("back", "until", "words_of_it"),
    [
        (date(2026, 11, 10), "Wed 11 Nov 09:00", "back on Tue 10 Nov 2026"),
        (date(2026, 11, 6), "Mon 09 Nov 09:00", "back on Fri 6 Nov 2026"),
        (date(2026, 11, 7), "Mon 09 Nov 09:00", "back on Sat 7 Nov 2026"),
        (date(2026, 12, 31), "Fri 01 Jan 09:00", "back on Thu 31 Dec 2026"),
        (None, "Tue 10 Nov 10:00", "no date of return in it, so held 7 days"),
        (date(2026, 9, 1), "Tue 10 Nov 10:00", "the date of return in it, Tue 1 Sep 2026, is over, so held 7 days"),
    ],
)
def test_an_absence_holds_to_the_business_day_after_his_return(back: date | None, until: str, words_of_it: str) -> None:
    """Cases 26, 27; the times are Berlin's."""
    (event,) = his(Kind.AUTO_REPLY, return_date=back).events
    assert event.until is not None
    assert f"{event.until.astimezone(BERLIN):%a %d %b %H:%M}" == until
    assert words_of_it in event.because


def test_a_return_without_sending_hours_is_a_midnight() -> None:
    found = Match(conversation_id="c1", evidence=THREAD, because="")
    verdict = Verdict(kind=Kind.AUTO_REPLY, because="", return_date=date(2026, 11, 6))
    (event,) = judge_his(WAITING, found, verdict, arrived(message()), HER, None).events
    assert event.until == datetime(2026, 11, 8, 23, tzinfo=UTC)


def test_a_second_absence_extends_and_never_shortens() -> None:
    """Case 27."""
    long = then(his(Kind.AUTO_REPLY, return_date=date(2026, 11, 20)))
    short = then(
        his(
            Kind.AUTO_REPLY, inbound=message(Message_ID="<a2@x.test>"), conversation=long, return_date=date(2026, 11, 9)
        ),
        long,
    )
    assert short.held_until == long.held_until
    longer = then(
        his(
            Kind.AUTO_REPLY,
            inbound=message(Message_ID="<a3@x.test>"),
            conversation=short,
            return_date=date(2026, 12, 1),
        ),
        short,
    )
    assert longer.held_until is not None
    assert longer.held_until > short.held_until  # type: ignore[operator]


def test_her_own_hold_is_never_overruled() -> None:
    """Case 27."""
    after = then(his(Kind.AUTO_REPLY, conversation=HELD), HELD)
    assert after.held_until is None


def test_an_opt_out_suppresses_him_and_the_address_he_wrote_from() -> None:
    consequence = his(Kind.UNSUBSCRIBE, inbound=message("anna@home.test"))
    assert consequence.suppress is not None
    assert set(consequence.suppress) == {ANNA, "anna@home.test"}


@pytest.mark.parametrize(
    ("recipients", "permanent", "word", "suppressed"),
    [
        ((ANNA,), True, Word.BOUNCE, {ANNA}),
        ((), True, Word.BOUNCE, {ANNA}),
        ((ANNA,), False, Word.BOUNCE, set()),
        (("jane@prospect.test",), True, Word.NOTE, set()),
        (("jane@prospect.test", ANNA), True, Word.BOUNCE, {ANNA}),
    ],
)
def test_a_bounce_concerns_him_or_only_a_copy(
    recipients: tuple[str, ...], permanent: bool, word: Word, suppressed: set[str]
) -> None:
    consequence = his(Kind.BOUNCE, REPORT, recipients=recipients, permanent=permanent)
    assert words(consequence) == [word]
    assert set(consequence.suppress or ()) == suppressed


def test_a_report_on_several_speaks_of_each() -> None:
    """His address is dead, the copy was only put off: what is said of him counts."""
    both = report(status="5.1.1")
    assert both.report is not None
    full = replace(both.report.recipients[0], address="jane@prospect.test", permanent=False)
    both = replace(both, report=replace(both.report, recipients=(*both.report.recipients, full)))
    consequence = his(Kind.BOUNCE, REPORT, both, recipients=(ANNA, "jane@prospect.test"), permanent=False)
    assert then(consequence).state is State.STOPPED


def test_a_soft_bounce_is_borne_once() -> None:
    """Case 41: a full mailbox is tried again with the next step, then she is asked."""
    once = then(his(Kind.BOUNCE, REPORT, permanent=False))
    assert once.state is State.WAITING
    twice = his(Kind.BOUNCE, REPORT, message(Message_ID="<r2@mx.test>"), once, permanent=False)
    assert words(twice) == [Word.BOUNCE, Word.HELD]
    after = then(twice, once)
    assert (after.state, after.held_until, after.final) == (State.HELD, None, False)
    assert words(his(Kind.BOUNCE, REPORT, message(Message_ID="<r2@mx.test>"), after, permanent=False)) == []


def test_a_delay_runs_the_wait_from_now() -> None:
    """Case 40."""
    assert then(his(Kind.DELAYED, REPORT)).clock_at == NOW


@pytest.mark.parametrize("kind", [Kind.REPLY, Kind.AUTO_REPLY, Kind.UNSUBSCRIBE, Kind.BOUNCE, Kind.DELAYED, Kind.OTHER])
def test_the_same_message_in_another_mailbox_says_nothing_new(kind: Kind) -> None:
    after = then(his(kind, new_text="Yes."))
    assert his(kind, conversation=after, new_text="Yes.") == NOTHING


def test_two_messages_under_one_message_id_both_have_their_say() -> None:
    away = then(his(Kind.AUTO_REPLY))
    assert words(his(Kind.REPLY, conversation=away, new_text="Yes.")) == [Word.REPLY]
    yes = fold("c1", [*then(his(new_text="Yes."), away).events, happened(Word.RESUMED, 2, by=By.HER)])
    assert words(his(conversation=yes, new_text="Yes.")) == []
    assert words(his(conversation=yes, new_text="But one thing more.")) == [Word.REPLY]


def test_what_was_there_when_he_was_enrolled_is_history() -> None:
    assert his(inbound=message(Message_ID="<0@prospect.test>"), new_text="Send me a proposal.") == NOTHING


def test_a_message_of_hers_under_anothers_name_is_no_answer_unless_it_is_his_name() -> None:
    sent = fold("c1", [enrolled(), INTENT, happened(Word.SENT, 0.2, step="nudge", message_id="<2@lind.example>")])
    munged = message("team@lind.example", Message_ID="<2@lind.example>")
    assert his(evidence=OURS, inbound=munged, conversation=sent) == NOTHING
    assert words(his(evidence=OURS, inbound=message(Message_ID="<2@lind.example>"), conversation=sent)) == [Word.REPLY]


# -- evidence for a letter in doubt ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "inbound"),
    [
        (Kind.REPLY, message(In_Reply_To="<2@lind.example>")),
        (Kind.AUTO_REPLY, message(References="<1@lind.example> <2@lind.example>")),
        (Kind.OTHER, message("x@x.test", In_Reply_To="<2@lind.example>")),
        (Kind.DELAYED, report(original="<2@lind.example>", status="4.4.1")),
    ],
)
def test_whoever_names_a_letter_has_got_it(kind: Kind, inbound: Inbound) -> None:
    consequence = his(kind, inbound=inbound, conversation=IN_DOUBT)
    assert words(consequence)[0] is Word.SENT
    after = then(consequence, IN_DOUBT)
    assert (after.pending, after.passed, after.uncertain) == (None, ("nudge",), False)


def test_a_notice_in_prose_proves_it_by_its_verdict() -> None:
    assert words(his(Kind.BOUNCE, REPORT, conversation=IN_DOUBT, original_ids=("<2@lind.example>",)))[0] is Word.SENT


def test_an_answer_to_another_message_proves_nothing() -> None:
    assert words(his(inbound=message(In_Reply_To="<1@lind.example>"), conversation=IN_DOUBT)) == [Word.REPLY]


@pytest.mark.parametrize("result", [Word.RELEASED, Word.DEFERRED])
def test_late_evidence_for_what_was_released_or_put_off(result: Word) -> None:
    over = advance(IN_DOUBT, happened(result, 0.5, step="nudge"))
    copy = message(MAYA, To=ANNA, Message_ID="<2@lind.example>")
    for consequence in (
        hers(copy, OURS, over),
        his(inbound=message(In_Reply_To="<2@lind.example>"), conversation=over),
    ):
        assert words(consequence)[0] is Word.SENT
        assert then(consequence, over).passed == ("nudge",)


def test_what_was_dropped_stays_dropped() -> None:
    dropped = advance(IN_DOUBT, happened(Word.DROPPED, 0.5, step="nudge"))
    assert hers(message(MAYA, To=ANNA, Message_ID="<2@lind.example>"), OURS, dropped) == NOTHING


# -- her side ----------------------------------------------------------------------------------------------------


def test_a_copy_of_the_letter_in_doubt_is_proof() -> None:
    (event,) = hers(message(MAYA, To=ANNA, Message_ID="<2@lind.example>"), OURS, IN_DOUBT).events
    assert (event.word, event.step, event.message_id) == (Word.SENT, "nudge", "<2@lind.example>")
    assert "a copy of the letter lies in her mailbox" in event.because


def test_a_copy_that_her_server_renamed_is_known_by_our_field() -> None:
    intent = replace(INTENT, message_id="<s3cret@lind.example>")
    doubt = fold("c1", [enrolled(), intent, happened(Word.UNCERTAIN, 0.2)])
    copy = message(MAYA, To=ANNA, Message_ID="<new@provider.test>", X_Inboxagent="s3cret")
    consequence = hers(copy, TO_HIM, doubt)
    assert words(consequence) == [Word.SENT, Word.NOTE]
    after = then(consequence, doubt)
    assert "<new@provider.test>" in after.ids
    assert hers(copy, OURS, after) == NOTHING
    assert hers(message(MAYA, To=ANNA, X_Inboxagent="s3"), TO_HIM, doubt) == NOTHING, "a letter of another conversation"


@pytest.mark.parametrize(
    ("fields", "word", "answered_to"),
    [
        ({"To": ANNA, "In_Reply_To": "<1@lind.example>"}, Word.OWN_MAIL, True),
        ({"To": ANNA, "Subject": "Something else"}, Word.OWN_MAIL, False),
        ({"To": "jane@prospect.test", "Cc": ANNA, "In_Reply_To": "<1@lind.example>"}, Word.OWN_MAIL, True),
        ({"To": "team@lind.example", "Bcc": ANNA}, Word.OWN_MAIL, False),
        ({"To": "boss@lind.example", "In_Reply_To": "<1@lind.example>"}, Word.NOTE, False),
        ({"To": "m.lind@home.example", "In_Reply_To": "<1@lind.example>"}, Word.NOTE, False),
    ],
)
def test_her_own_hand(fields: dict[str, str], word: Word, answered_to: bool) -> None:
    """Cases 55, 56, 60."""
    (event,) = hers(message(MAYA, Message_ID="<h1@lind.example>", **fields)).events
    assert (event.word, event.by, event.mail is not None) == (word, By.HER, answered_to)
    after = then(hers(message(MAYA, Message_ID="<h1@lind.example>", **fields)))
    assert after.clock_at == (NOW - timedelta(hours=1) if word is Word.OWN_MAIL else MONDAY)


def test_her_answer_to_the_address_he_last_wrote_from_is_a_touch() -> None:
    answered = then(his(inbound=message("anna@home.test", In_Reply_To="<1@lind.example>")))
    mine = message(MAYA, To="anna@home.test", Message_ID="<h1@lind.example>", In_Reply_To="<a1@prospect.test>")
    assert words(hers(mine, TO_HIM, answered)) == [Word.OWN_MAIL]


def test_her_mail_counts_once() -> None:
    mine = message(MAYA, To=ANNA, Message_ID="<h1@lind.example>", In_Reply_To="<1@lind.example>")
    after = then(hers(mine))
    assert hers(mine, OURS, after) == NOTHING
    assert hers(mine, TO_HIM, after) == NOTHING
    assert hers(message(MAYA, To=ANNA, Message_ID="<1@lind.example>"), OURS) == NOTHING


def test_her_word_leads_out_of_nothing_by_itself() -> None:
    """P4 moves the clock; what he has answered stays answered until she resumes."""
    answered = then(his())
    mine: Event = hers(message(MAYA, To=ANNA, Message_ID="<h1@lind.example>"), TO_HIM, answered).events[0]
    assert advance(answered, mine).state is State.ANSWERED
