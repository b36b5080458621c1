"""Whatever bytes come in, there is a message and a verdict, soon."""

import gc
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxagent.mail.classify import Kind, classify
from inboxagent.mail.inbound import bounded, parse, parse_headers

HEAD = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: Re: x\r\nIn-Reply-To: <m@x>\r\n"
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
BOMBS = {
    "100 MB attached": HEAD
    + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: application/pdf\r\n"
    + b"Content-Transfer-Encoding: base64\r\n\r\n"
    + b"QUFB" * 25_000_000,
    "100,000 parts": HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\nhi\r\n" * 100_000,
    "10,000 parts with fields": HEAD
    + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n" * 10_000,
    "100 MB of text": HEAD + b"Content-Type: text/plain\r\n\r\n" + b"please stop the machine \n" * 4_000_000,
    "100 MB of fields": b"X-Long: " + b"a" * 100_000_000 + b"\r\n\r\nhi",
    "parts in parts": HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3_000)),
    "messages in messages": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 3_000,
    "100,000 references": HEAD + b"References: " + b"<aaaaaaaa@bbbbbbbb> " * 100_000 + b"\r\n\r\nhi",
    "35,000 encoded words": HEAD + b"Subject: " + b"=?utf-8?q?x?= " * 35_000 + b"\r\n\r\nhi",
    "50,000 addresses": HEAD + b"Cc: " + b'"a, b" <a@b.test>, ' * 50_000 + b"\r\n\r\nhi",
    "On On On": HEAD + b"\r\n" + b"On " * 80_000,
    "attributions": HEAD + b"\r\n" + b"On Mon, 2 Mar 2026 at 9:02, a@b\n" * 8_000,
    "quotation marks": HEAD + b"\r\n" + b"> " * 130_000,
    "one long line of spaces": HEAD + b"\r\n" + b" " * 250_000 + b"x",
    "dates": HEAD + b"Auto-Submitted: auto-replied\r\n\r\nback on " + b"12.03.2026 " * 20_000,
    "digits": HEAD + b"Auto-Submitted: auto-replied\r\n\r\naway until " + b"1" * 200_000,
    "at signs": b"From: MAILER-DAEMON@x.test\r\nSubject: failure notice\r\n\r\n" + b"a@" * 120_000,
    "reports": b"From: MAILER-DAEMON@x.test\r\nContent-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
    + b"Content-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822; a@b\r\nAction: failed\r\n\r\n" * 5_000,
    "open elements": HTML + b"<div>" * 50_000,
    "open quotations": HTML + b"<blockquote><p>a" * 16_000,
    "a charset that is none": HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 200_000,
}


@pytest.fixture(scope="module", autouse=True)
def warm():
    classify(parse(HEAD + b"\r\nI am out of office, back on Monday; please stop; not now"))


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name):
    started = time.process_time()
    verdict = classify(parse(BOMBS[name]))
    # Ten times the promise: this is about growth, the benchmarks measure the rest.
    assert time.process_time() - started < 2.5
    assert verdict.because


MOST_MEMORY = 50_000_000


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from Linux's /proc")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_little_memory(name):
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
    before = resident("VmRSS")
    assert classify(parse(BOMBS[name])).because
    assert resident("VmHWM") - before < MOST_MEMORY


def resident(field):
    """Bytes of memory of this process: now (VmRSS) or at the peak (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1_024


def test_the_peak_of_memory_is_seen():
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    assert len(bytearray(os.urandom(1) * 80_000_000)) == 80_000_000
    assert resident("VmHWM") - before > MOST_MEMORY


def test_the_body_is_capped_before_anything_reads_it():
    assert len(bounded(BOMBS["100 MB attached"])) < 400_000


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes(raw):
    assert parse(raw).message_id
    assert parse_headers(raw).message_id
    assert classify(parse(raw)).because


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_messages(data):
    files = sorted((Path(__file__).parent / "messages").glob("*.eml"))
    raw = bytearray(data.draw(st.sampled_from(files)).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1)) if raw else 0
        raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    verdict = classify(parse(bytes(raw)), now=datetime(2026, 3, 3, tzinfo=UTC))
    assert verdict.kind in Kind
    verdict.new_text.encode()
    verdict.because.encode()


def test_a_charset_that_lies_still_reads():
    raw = HEAD + b"Content-Type: text/plain; charset=us-ascii\r\n\r\nD\xe9sinscription svp"
    assert classify(parse(raw)).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize(
    "charset", ["utf-16", "utf-7", "idna", "base64", "hex", "x" * 900, "utf-8\\0", "utf\0-8", "=?utf-8?q?x?="]
)
def test_a_charset_that_nobody_can_mean(charset):
    raw = HEAD + f'Content-Type: text/plain; charset="{charset}"\r\n\r\nPlease unsubscribe me'.encode()
    assert classify(parse(raw)).because


@pytest.mark.parametrize(
    "word",
    [
        "un\u200bsub\u200cscribe",
        "u\u00adn\u00adsubscribe",
        "\u202aunsubscribe\u202c",
        "\u2068unsub\u2069scribe",
        "\ufeffunsubscribe\ufe0f",
        "u\u0301nsubscribe",
        "un\U000e0061subscribe",
        "ＵＮＳＵＢＳＣＲＩＢＥ",
        "𝐮𝐧𝐬𝐮𝐛𝐬𝐜𝐫𝐢𝐛𝐞",
    ],
)
def test_what_cannot_be_seen_does_not_hide_a_stop_word(word):
    raw = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + word.encode()
    assert classify(parse(raw)).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize("word", ["\u202eebircsbusnu\u202c", "un subscribe", "u-n-s-u-b-s-c-r-i-b-e-r-s"])
def test_what_only_looks_like_a_stop_word_is_a_reply(word):
    raw = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + word.encode()
    assert classify(parse(raw)).kind is Kind.REPLY


def test_japanese_in_seven_bits():
    body = "配信停止をお願いします。".encode("iso-2022-jp")
    raw = HEAD + b"Content-Type: text/plain; charset=iso-2022-jp\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" + body
    assert classify(parse(raw)).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize("kind", ["text/plain", "multipart/mixed", "message/delivery-status", "text/rfc822-headers"])
def test_a_nul_in_a_charset_of_a_report(kind):
    parts = [b'text/plain; charset="us\0ascii"', kind.encode() + b'; charset="a\0b"']
    body = (
        b"".join(b"--x\r\nContent-Type: " + each + b"\r\n\r\nD\xe9sinscription\r\n\r\n" for each in parts)
        + b"--x--\r\n"
    )
    raw = HEAD + b'Content-Type: multipart/report; boundary=x; charset="\0"\r\n\r\n' + body
    assert classify(parse(raw)).because
    assert classify(parse(HEAD + b'Content-Type: multipart/mixed; charset="\0"\r\n\r\nD\xe9sinscription')).because
