"""Header fields by hand: every name and subject comes back, no line is too long, no encoded word either."""

import email
import email.policy
import re

from hypothesis import given
from hypothesis import strategies as st

from inboxagent.mail.fields import LINE, mailboxes, unstructured
from inboxagent.mail.headers import addresses, decode

ENCODED = re.compile(r"=\?[^?]*\?[bq]\?[^? ]*\?=")
text = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=200)
asciis = st.text(st.sampled_from("abcXYZ ,;:\"'\\()<>@.=?-_"), max_size=260)


def subject_of(field: str) -> str:
    """As the standard library reads it."""
    return str(email.message_from_string(field + "\r\n", policy=email.policy.default)["Subject"])


def check_lines(field: str) -> None:
    """RFC 5322 2.1.1 and 2.2.3, RFC 2047 2."""
    *lines, end = field.split("\r\n")
    assert end == ""
    assert "\n" not in "".join(lines)
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert all(len(word) <= 75 for word in ENCODED.findall(field))
    assert max(len(line) for line in lines) <= 998


def test_a_short_subject_stays_as_it_is() -> None:
    assert unstructured("Subject", "Re: Proposal") == "Subject: Re: Proposal\r\n"


def test_a_long_one_is_folded_between_words() -> None:
    field = unstructured("Subject", "Re: " + "proposal " * 40 + "end")
    assert len(field.split("\r\n")) > 4
    assert max(len(line) for line in field.split("\r\n")) <= LINE


def test_the_plain_beginning_stays_readable() -> None:
    assert unstructured("Subject", "Re: Über uns").startswith("Subject: Re: =?utf-8?b?")


def test_what_looks_encoded_is_encoded() -> None:
    assert decode(unstructured("Subject", "a =?utf-8?q?x?= b")[9:]) == "a =?utf-8?q?x?= b"


def test_mailboxes_stand_a_line_each_and_their_addresses_are_never_touched() -> None:
    people = [(f"Łukasz Żółć {n}", f"{'x' * 60}{n}@{'y' * 60}.test") for n in range(3)]
    field = mailboxes("To", people)
    check_lines(field)
    for _, address in people:
        assert f"<{address}>" in field


def test_a_name_with_signs_is_quoted() -> None:
    assert mailboxes("To", [('Lind, "Maya" \\ GmbH', "m@x.test")]) == 'To: "Lind, \\"Maya\\" \\\\ GmbH" <m@x.test>\r\n'


@given(text | asciis)
def test_every_subject_comes_back(subject: str) -> None:
    subject = " ".join(subject.split())
    field = unstructured("Subject", subject)
    check_lines(field)
    assert decode(field[len("Subject:") :].replace("\r\n", "")).strip() == subject
    assert subject_of(field) == subject


@given(st.lists(text | asciis, min_size=1, max_size=4))
def test_every_name_comes_back(names: list[str]) -> None:
    names = [" ".join(name.split()) for name in names]
    people = [(name, f"p{place}@prospect.test") for place, name in enumerate(names)]
    field = mailboxes("To", people)
    check_lines(field)
    parsed = email.message_from_string(field + "\r\n", policy=email.policy.default)["To"].addresses
    assert [each.addr_spec for each in parsed] == [address for _, address in people]
    assert [(each.name, each.address) for each in addresses(field[3:])] == people
