"""Threads found among the messages that she exchanged with one person."""

from datetime import timedelta

import pytest

from inboxagent.mail.inbound import Inbound
from inboxagent.outreach.thread import Piece, bears, threads, unique
from tests.fakes.messages import ANNA, MAYA, message
from tests.fakes.people import MONDAY

MINE = frozenset({MAYA, "m.lind@home.example"})


def hers(number: int, answers: str = "", to: str = ANNA, **fields: str) -> Inbound:
    """A message of hers, `<NUMBER@lind.example>`."""
    return message(MAYA, To=to, Message_ID=f"<{number}@lind.example>", References=answers, **fields)


def his(number: int, answers: str = "", **fields: str) -> Inbound:
    """A message of his, `<NUMBER@prospect.test>`."""
    return message(ANNA, Message_ID=f"<{number}@prospect.test>", References=answers, **fields)


def hourly(*messages: Inbound) -> list[Piece]:
    """They arrive an hour apart."""
    return [Piece(each, MONDAY + timedelta(hours=hour)) for hour, each in enumerate(messages)]


def found(*messages: Inbound) -> list[list[str]]:
    """The Message-IDs of each thread."""
    return [[piece.message.message_id for piece in each.pieces] for each in threads(hourly(*messages), ANNA, MINE)]


ONE, TWO, THREE = "<1@lind.example>", "<2@prospect.test>", "<3@lind.example>"


@pytest.mark.parametrize(
    ("messages", "groups"),
    [
        ((), []),
        ((his(2),), []),
        ((hers(1),), [[ONE]]),
        ((hers(1), his(2, ONE), hers(3, TWO)), [[ONE, TWO, THREE]]),
        ((hers(1), hers(3)), [[THREE], [ONE]]),
        # by an ancestor that is not there any more
        ((hers(1, "<gone@x.test>"), his(2, "<gone@x.test>")), [[ONE, TWO]]),
        # the link comes last
        ((hers(1), his(2), hers(3, f"{ONE} {TWO}")), [[ONE, TWO, THREE]]),
        # the same subject alone joins nothing
        ((hers(1, Subject="Proposal"), his(2, Subject="Re: Proposal")), [[ONE]]),
        # she wrote to others only
        ((hers(1, to="boss@lind.example"), his(2)), []),
        ((hers(1, to="boss@lind.example", Cc=ANNA),), [[ONE]]),
        ((hers(1, to="boss@lind.example", Bcc=ANNA),), [[ONE]]),
    ],
)
def test_messages_that_name_each_other_are_one_thread(messages: tuple[Inbound, ...], groups: list[list[str]]) -> None:
    assert found(*messages) == groups


def test_touches_are_hers_to_him() -> None:
    forward = hers(4, ONE, to="boss@lind.example")
    private = message("m.lind@home.example", To=ANNA, Message_ID="<5@home.example>", References=ONE)
    (thread,) = threads(hourly(hers(1), his(2, ONE), forward, private), ANNA, MINE)
    assert thread.touches == 2
    assert thread.last_touch_at == MONDAY + timedelta(hours=3)


def test_the_newest_mail_is_one_that_he_wrote_or_could_read() -> None:
    forward = hers(4, ONE, to="boss@lind.example", Subject="Fwd: what do you think?")
    (thread,) = threads(hourly(hers(1, Subject="Proposal"), his(2, ONE), forward), ANNA, MINE)
    assert thread.message_id == thread.latest.message_id == TWO
    assert thread.last_at == MONDAY + timedelta(hours=1)
    assert "<4@lind.example>" in thread.ids, "but whoever answers the forwarded copy answers in the thread"


def test_a_message_in_several_mailboxes_is_one() -> None:
    pieces = [*hourly(hers(1), his(2, ONE)), Piece(hers(1), MONDAY + timedelta(days=9))]
    assert [piece.received_at for piece in unique(pieces)] == [MONDAY, MONDAY + timedelta(hours=1)]
    (thread,) = threads(pieces, ANNA, MINE)
    assert (thread.touches, thread.last_touch_at) == (1, MONDAY)


@pytest.mark.parametrize(
    ("words", "fits"), [("proposal", True), ("RE: Proposal", True), ("our", True), ("invoice", False)]
)
def test_a_thread_is_chosen_by_words_of_its_subject(words: str, fits: bool) -> None:
    (thread,) = threads(hourly(hers(1, Subject="Our Proposal"), his(2, ONE, Subject="AW: Our Proposal")), ANNA, MINE)
    assert bears(thread, words) is fits
