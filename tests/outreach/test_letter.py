"""A step as a letter in its thread: readers, subject, References, Message-ID."""

from dataclasses import replace
from datetime import timedelta

import pytest

from inboxagent.mail.headers import Address
from inboxagent.outreach.fold import fold
from inboxagent.outreach.letter import address_letter, as_mail, envelope, recipients, token
from inboxagent.outreach.model import Mail, Me
from inboxagent.outreach.state import Conversation
from tests.fakes.messages import ANNA, MAYA
from tests.fakes.people import MONDAY, enrolled

ME = Me(name="Maya Lind", address=MAYA, aliases=("m.lind@home.example",))
JANE, ALIAS, BOSS = "jane@prospect.test", "anna@home.test", "boss@prospect.test"
SECRET = token(b"key", MAYA, "c1", "nudge", 0)


def people(words: str) -> tuple[Address, ...]:
    """Addresses without names."""
    return tuple(Address("", each) for each in words.split())


def after(author: str, to: str = "", cc: str = "", reply_to: str = "", **more: object) -> Conversation:
    """Anna's conversation, whose newest mail is this one."""
    latest = Mail(
        message_id="<5@x.test>",
        at=MONDAY,
        subject="Proposal",
        from_=Address("", author),
        to=people(to),
        cc=people(cc),
        reply_to=people(reply_to),
    )
    return replace(fold("c1", [enrolled()]), latest=replace(latest, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("latest", "to", "cc"),
    [
        # what she wrote last goes to the same people again
        (after(MAYA, ANNA), ANNA, ""),
        (after(MAYA, ANNA, f"{JANE} {MAYA}"), ANNA, JANE),
        (after("m.lind@home.example", f"{ANNA} {MAYA}"), ANNA, ""),
        (after(MAYA, f"{JANE} {ANNA}", BOSS), f"{ANNA} {JANE}", BOSS),
        (after(MAYA, JANE, f"{BOSS} {ANNA}"), f"{ANNA} {JANE}", BOSS),
        (after(MAYA, JANE), f"{ANNA} {JANE}", ""),
        (after(MAYA), ANNA, ""),
        # his own last mail: he and whom he copied, at the address he asks for
        (after(ANNA, MAYA), ANNA, ""),
        (after(ANNA, f"{MAYA} {BOSS}", JANE), ANNA, f"{BOSS} {JANE}"),
        (after(ANNA, MAYA, JANE, reply_to=ALIAS), ALIAS, JANE),
        (after(ANNA, MAYA, reply_to=MAYA), ANNA, ""),
        (after(ANNA, MAYA, reply_to=f"{ANNA} {ALIAS}"), f"{ANNA} {ALIAS}", ""),
        # somebody else wrote last: he stays among them, and first
        (after(JANE, MAYA), f"{ANNA} {JANE}", ""),
        (after(JANE, MAYA, ANNA), f"{ANNA} {JANE}", ""),
        (after(JANE, f"{MAYA} {ANNA}", BOSS), f"{ANNA} {JANE}", BOSS),
        (after(JANE, MAYA, reply_to=BOSS), f"{ANNA} {BOSS}", ""),
        # nobody twice
        (after(MAYA, f"{ANNA} {JANE} {ANNA}", f"{JANE} {ANNA}"), f"{ANNA} {JANE}", ""),
    ],
)
def test_readers_as_they_are_now(latest: Conversation, to: str, cc: str) -> None:
    found = recipients(latest, ME)
    assert [each.address for each in found.to] == to.split()
    assert [each.address for each in found.cc] == cc.split()


def test_a_new_thread_goes_to_him_by_name() -> None:
    new = replace(fold("c1", [enrolled()]), latest=None)
    assert recipients(new, ME).to == (Address("Anna", ANNA),)


def test_the_first_forward_path_is_his() -> None:
    outgoing = address_letter(after(MAYA, JANE, ANNA), ME, subject=None, text="x", token=SECRET, now=MONDAY)
    assert envelope(outgoing).reverse_path == MAYA
    assert envelope(outgoing).forward_paths == (ANNA, JANE)


@pytest.mark.parametrize(
    "subject", ["Proposal", "Re: Proposal", "AW: Re: Proposal", "SV: Proposal", "RE: re: Proposal"]
)
def test_re_exactly_once(subject: str) -> None:
    outgoing = address_letter(after(ANNA, subject=subject), ME, subject=None, text="x", token=SECRET, now=MONDAY)
    assert outgoing.subject == "Re: Proposal"


def test_references_are_the_chain_of_the_newest_mail_and_itself() -> None:
    """RFC 5322, 3.6.4."""
    latest = after(ANNA, references=("<1@lind.example>", "<4@x.test>", "<5@x.test>"))
    outgoing = address_letter(latest, ME, subject=None, text="x", token=SECRET, now=MONDAY)
    assert outgoing.in_reply_to == "<5@x.test>"
    assert outgoing.references == ("<1@lind.example>", "<4@x.test>", "<5@x.test>")
    then = replace(latest, latest=as_mail(outgoing))
    again = address_letter(then, ME, subject=None, text="x", token=SECRET, now=MONDAY)
    assert again.references == (*outgoing.references, outgoing.message_id)


def test_a_subject_of_its_own_opens_a_new_thread() -> None:
    outgoing = address_letter(after(ANNA), ME, subject="News", text="x", token=SECRET, now=MONDAY)
    assert (outgoing.subject, outgoing.in_reply_to, outgoing.references) == ("News", None, ())


def test_a_new_thread_without_a_subject_is_refused() -> None:
    new = replace(fold("c1", [enrolled()]), latest=None)
    with pytest.raises(ValueError, match="subject"):
        address_letter(new, ME, subject=None, text="x", token=SECRET, now=MONDAY)


def test_the_message_id_is_the_same_for_every_automatic_try_and_for_nothing_else() -> None:
    tries = [
        address_letter(after(ANNA), ME, subject=None, text="x", token=SECRET, now=MONDAY + timedelta(days=n))
        for n in (0, 1)
    ]
    assert tries[0].message_id == tries[1].message_id == f"<{SECRET}@lind.example>"
    others = {
        token(b"another", MAYA, "c1", "nudge", 0),
        token(b"key", "else@lind.example", "c1", "nudge", 0),
        token(b"key", MAYA, "c2", "nudge", 0),
        token(b"key", MAYA, "c1", "question", 0),
        token(b"key", MAYA, "c1", "nudge", 1),
        token(b"key", MAYA, "c", "1nudge", 0),
    }
    assert len(others | {SECRET}) == 7
