"""Message-IDs, addresses, subjects and encoded words as they really come."""

import pytest

from inboxagent.mail.headers import (
    Address,
    addresses,
    base_subject,
    decode,
    is_one_of,
    message_ids,
    reply_subject,
    without_detail,
)


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b> <c@d>", ("<a@b>", "<c@d>")),
        ("<a@b><c@d>\r\n <a@b>", ("<a@b>", "<c@d>")),
        ("<a@b> (from Bart's mail) <c@d>", ("<a@b>", "<c@d>")),
        ("<very-long\r\n -id@host>", ("<very-long-id@host>",)),
        ("Your message of Monday <A$%=x@h>", ("<A$%=x@h>",)),
        ('<"odd one"@host>', ('<"odd one"@host>',)),
        ("bare@host", ("<bare@host>",)),
        ("=?utf-8?q?=3Clong=40host=3E?=", ("<long@host>",)),
        ("< not an id at all >", ()),
        ("", ()),
    ],
)
def test_message_ids(value, ids):
    assert message_ids(value) == ids


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("anna+work@a.test", "anna@a.test"),
        ("anna+work+more@a.test", "anna@a.test"),
        ("anna+@a.test", "anna@a.test"),
        ("anna@a+b.test", "anna@a+b.test"),
        ("+46701234567@a.test", "+46701234567@a.test"),
        ("anna", "anna"),
        ("", ""),
    ],
)
def test_the_mailbox_of_a_subaddress(address, mailbox):
    assert without_detail(address) == mailbox
    assert is_one_of(address, {mailbox})
    assert is_one_of(mailbox, {address}) is (address == mailbox)


def test_an_id_keeps_its_case_and_raw_bytes():
    raw = b"<Caf\xe9@Host>".decode("ascii", "surrogateescape")
    assert message_ids(raw)[0].encode("ascii", "surrogateescape") == b"<Caf\xe9@Host>"


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ("Anna <Anna@Prospect.TEST>", [("Anna", "anna@prospect.test")]),
        (
            '"Lind, Maya" <maya@lind.example>, bart@bos.test',
            [("Lind, Maya", "maya@lind.example"), ("", "bart@bos.test")],
        ),
        ("=?utf-8?q?J=C3=B6rg?= <j@x.test>", [("Jörg", "j@x.test")]),
        ("team: a@b.test, c@d.test;", [("", "a@b.test"), ("", "c@d.test")]),
        ("a@b.test, a@b.test", [("", "a@b.test")]),
        ("undisclosed-recipients:;", []),
        (b"J\xc3\xb6rg <j\xc3\xb6rg@x.test>".decode("ascii", "surrogateescape"), [("Jörg", "jörg@x.test")]),
        ("<>", []),
        ("total rubbish @@@", []),
    ],
)
def test_addresses(value, people):
    assert addresses(value) == tuple(Address(name, address) for name, address in people)


@pytest.mark.parametrize(
    ("subject", "base", "answer"),
    [
        ("Offer", "Offer", "Re: Offer"),
        ("Re: Offer", "Offer", "Re: Offer"),
        ("AW: RE: Re[2]: Offer", "Offer", "Re: Offer"),
        ("SV: VS: Odp: Offer", "Offer", "Re: Offer"),
        ("回复：报价", "报价", "Re: 报价"),
        ("[team] Re: Offer", "Offer", "Re: [team] Offer"),
        ("Fwd: WG: Offer (fwd)", "Offer", "Re: Offer (fwd)"),
        ("Reason to write", "Reason to write", "Re: Reason to write"),
        ("[team]", "[team]", "Re: [team]"),
    ],
)
def test_subjects(subject, base, answer):
    assert (base_subject(subject), reply_subject(subject)) == (base, answer)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?b?w6Q=?= =?utf-8?b?w6Q=?=", "ää"),
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("=?x-nowhere?q?a=E4b?=", "aäb"),
        (b"Gr\xfc\xdfe", "Grüße"),
        ("Grüße".encode(), "Grüße"),
        ("a\r\n\tb\x07c", "a  b c"),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x"),
    ],
)
def test_decoding(value, text):
    assert " ".join(decode(value).split()) == " ".join(text.split())
