"""The main job, from end to end, on Dovecot and on Cyrus, with Postfix: another client really replies, a Sieve script
really answers, Postfix really bounces; the daemon is killed, and answers come while it is down."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

import pytest

from tests.servers.desk import RULE, Desk
from tests.servers.lab import CyrusLab, Lab
from tests.servers.polling import free_port, until


@pytest.fixture(params=["dovecot_lab", "cyrus_lab"], ids=["Dovecot", "Cyrus"])
def lab(request: pytest.FixtureRequest) -> Lab | CyrusLab:
    """Every server that may have her mailboxes."""
    found: Lab | CyrusLab = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Desk:
    return Desk(lab, tmp_path)


def answer(lab: Lab, sender: str, original: EmailMessage, words: str, *, threaded: bool = True) -> None:
    """Somebody answers from his own mail program, quoting below."""
    reply = EmailMessage()
    reply["From"], reply["To"] = sender, str(original["From"])
    reply["Subject"] = f"Re: {original['Subject']}" if threaded else "Something else"
    reply["Date"], reply["Message-ID"] = formatdate(), make_msgid(domain="prospect.test")
    if threaded:
        reply["In-Reply-To"] = reply["References"] = str(original["Message-ID"])
    quoted = "\n".join(f"> {line}" for line in original.get_content().splitlines())
    reply.set_content(f"{words}\n\nMaya Lind wrote:\n{quoted}\n")
    lab.submit(sender, [_address(original)], reply)


def _address(original: EmailMessage) -> str:
    return str(original["From"]).rpartition("<")[2].rstrip(">")


def follow_ups(lab: Lab, address: str) -> list[EmailMessage]:
    """The letters of the agent that have arrived, by the token field that only it writes."""
    return [each for each in messages(lab, address) if each["X-Inboxagent"]]


def messages(lab: Lab, address: str, mailbox: str = "INBOX") -> list[EmailMessage]:
    """What lies in a mailbox, parsed."""
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in lab.mail(address, mailbox)]


FIRST_SOON = RULE.replace("wait: 3 seconds", "wait: 3 days")
TWO_SOON = FIRST_SOON.replace("wait: 3 days", "wait: 3 seconds", 1)


def test_follow_ups_go_out_in_the_thread_until_he_answers(lab: Lab, tmp_path: Path) -> None:
    desk = Desk(lab, tmp_path, rule=TWO_SOON)  # however slow the machine is, he answers before the third
    anna = lab.new_user("anna")
    original_id = desk.write(anna)
    conversation = desk.enroll(anna)
    with desk.daemon():
        first = lab.wait_mail(anna, lambda m: "did the proposal arrive" in m.get_content())
        second = lab.wait_mail(anna, lambda m: "which part is unclear" in m.get_content())
        answer(lab, anna, second, "The second part. Can we talk on Friday?")
        shown = desk.wait_state(conversation, "answered")
    assert first["In-Reply-To"] == original_id
    assert str(second["References"]).split() == [original_id, first["Message-ID"]]
    assert first["Subject"] == second["Subject"] == "Re: The proposal"
    assert "Dear Anna," in first.get_content()
    assert shown["court"] == "hers"
    assert shown["touches"] == 3
    assert shown["next"] is None
    assert len(follow_ups(lab, anna)) == 2
    copies = [each["Message-ID"] for each in messages(lab, desk.address, "Sent")]
    assert sorted(copies) == sorted([original_id, first["Message-ID"], second["Message-ID"]])


def test_an_answer_is_seen_when_it_arrives_and_not_at_the_next_poll(lab: Lab, tmp_path: Path) -> None:
    desk = Desk(lab, tmp_path, rule=RULE_WITH_DAYS, poll="10 minutes")
    anna = lab.new_user("anna")
    desk.write(anna)
    conversation = desk.enroll(anna)
    with desk.daemon():
        original = lab.wait_mail(anna)
        answer(lab, anna, original, "Yes, please.", threaded=False)
        lab.wait_mail(desk.address)
        desk.wait_state(conversation, "answered")


RULE_WITH_DAYS = """\
---
sequence: Slow
about: One letter after days, so that nothing falls due meanwhile.
language: en
tone: brief
fields:
  first_name: {required: true}
---

## one
wait: 3 days

Dear {{ first_name }}, did the proposal arrive?
"""


RICH_RULE = RULE_WITH_DAYS.replace("language: en", "language: en\nquote: yes").replace(
    "wait: 3 days", "wait: at once\nattach: Übersicht.pdf"
)


def test_what_goes_with_a_letter_arrives(lab: Lab, tmp_path: Path) -> None:
    """A file, her signature and the quotation of what she wrote, through Postfix and back from Sent."""
    desk = Desk(lab, tmp_path, rule=RICH_RULE)
    (tmp_path / "rules" / "Übersicht.pdf").write_bytes(bytes(range(256)) * 300)
    (tmp_path / "rules" / "signature.txt").write_text("Maya Lind, Malmö\n")
    anna = lab.new_user("anna")
    desk.write(anna)
    desk.enroll(anna)
    with desk.daemon():
        arrived = lab.wait_mail(anna, lambda m: bool(m["X-Inboxagent"]))
        copy = lab.wait_mail(desk.address, lambda m: bool(m["X-Inboxagent"]), mailbox="Sent")
    for message in (arrived, copy):
        words = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
        assert "did the proposal arrive?\n\n-- \nMaya Lind, Malmö\n\nMaya Lind, " in words
        assert words.endswith(":\n> Here it is.\n")
        attached = {each.get_filename(): each.get_content() for each in message.iter_attachments()}
        assert attached == {"Übersicht.pdf": bytes(range(256)) * 300}


def test_a_vacation_answer_holds_and_is_no_answer(lab: Lab, desk: Desk) -> None:
    sieve = 'require "vacation"; vacation :days 7 "I am out of the office. I will read your message when I am back.";'
    cris = lab.new_user("cris", sieve=sieve)
    desk.write(cris)
    lab.wait_mail(desk.address)  # he is away already when she writes
    conversation = desk.enroll(cris)
    shown = desk.show(conversation)
    assert shown["state"] == "held"
    assert shown["held_until"] is not None
    with desk.daemon():
        desk.run("resume", conversation)
        lab.wait_mail(cris, lambda m: bool(m["X-Inboxagent"]))
    assert [event["event"] for event in desk.show(conversation)["events"]].count("auto_reply") == 1


def test_a_bounce_stops_for_good(lab: Lab, desk: Desk) -> None:
    desk.file(_sent_earlier(desk.address, "nobody@prospect.test"), "Sent")
    conversation = desk.enroll("nobody@prospect.test")
    with desk.daemon():
        shown = desk.wait_state(conversation, "stopped")
    assert "5.1.1" in shown["because"]
    assert "bounce" in [event["event"] for event in shown["events"]]
    refused = desk.run("enroll", "quick", "nobody@prospect.test", "--field", "first_name=N", code=1)
    assert "never to be written to" in refused.stderr


def _sent_earlier(sender: str, recipient: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, recipient, "The proposal"
    letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="consultant.test")
    letter.set_content("Here it is.")
    return letter


def test_an_address_refused_at_rcpt_stops_and_is_no_touch(lab: Lab, desk: Desk) -> None:
    desk.file(_sent_earlier(desk.address, "anna@refused.test"), "Sent")
    conversation = desk.enroll("anna@refused.test")
    with desk.daemon():
        shown = desk.wait_state(conversation, "stopped")
    assert shown["touches"] == 1
    assert [event["event"] for event in shown["events"]] == ["enrolled", "refused"]


def test_stop_as_the_whole_answer_suppresses(lab: Lab, desk: Desk) -> None:
    emil = lab.new_user("emil")
    desk.write(emil)
    conversation = desk.enroll(emil)
    with desk.daemon():
        letter = lab.wait_mail(emil, lambda m: bool(m["X-Inboxagent"]))
        answer(lab, emil, letter, "Unsubscribe")
        shown = desk.wait_state(conversation, "stopped")
    assert "unsubscribe" in [event["event"] for event in shown["events"]]
    assert "never to be written to" in desk.run("enroll", "quick", emil, "--field", "first_name=E", code=1).stderr
    assert desk.run("resume", conversation, code=1).stderr


def test_an_answer_that_a_filter_put_elsewhere_stops_as_well(lab: Lab, tmp_path: Path) -> None:
    desk = Desk(lab, tmp_path, rule=FIRST_SOON)
    anna = lab.new_user("anna")
    desk.write(anna)
    conversation = desk.enroll(anna)
    with desk.daemon():
        letter = lab.wait_mail(anna, lambda m: bool(m["X-Inboxagent"]))
        reply = _sent_earlier(anna, desk.address)
        reply["In-Reply-To"] = letter["Message-ID"]
        with desk.imap() as client:
            client.create_folder("Clients/Anna")
        desk.file(reply, "Clients/Anna")
        shown = desk.wait_state(conversation, "answered")
    assert shown["next"] is None
    assert len(follow_ups(lab, anna)) == 1


@pytest.mark.parametrize(("word", "times"), [("handing_over", 1), ("sent", 1), ("handing_over", 2), ("sent", 2)])
def test_killing_the_daemon_sends_nothing_twice(lab: Lab, desk: Desk, word: str, times: int) -> None:
    """SIGKILL as soon as the log shows the instant; then again by chance; then it may finish."""
    anna = lab.new_user("anna")
    desk.write(anna)
    conversation = desk.enroll(anna)
    with desk.daemon() as process:
        until(lambda: desk.logged(word) >= times, what=f"{word} is logged")
        process.kill()
        process.wait(10)
    before = desk.logged("handing_over")
    with desk.daemon() as process:
        until(lambda: at_rest(desk, conversation) or desk.logged("handing_over") > before, what="it goes on")
        process.kill()
        process.wait(10)
    with desk.daemon():
        until(lambda: at_rest(desk, conversation), what="all letters have gone, or one is uncertain")
    shown = desk.show(conversation)
    recorded = [event["event"] for event in shown["events"]].count("sent")
    until(lambda: len(follow_ups(lab, anna)) >= recorded, what="what was sent has arrived over both hops")
    letters = [each.get_content() for each in follow_ups(lab, anna)]
    assert len(letters) == len(set(letters)), "a step went out twice"
    assert len(letters) - recorded in ((0, 1) if shown["state"] == "held" else (0,))


def at_rest(desk: Desk, conversation: str) -> bool:
    """Whether nothing more goes out by itself."""
    return desk.show(conversation)["state"] in ("finished", "held")


def test_an_answer_that_came_while_the_daemon_was_down_is_seen_first(lab: Lab, desk: Desk) -> None:
    anna = lab.new_user("anna")
    desk.write(anna)
    conversation = desk.enroll(anna)
    with desk.daemon():
        letter = lab.wait_mail(anna, lambda m: bool(m["X-Inboxagent"]))
    count = [event["event"] for event in desk.show(conversation)["events"]].count("sent")
    until(lambda: len(follow_ups(lab, anna)) == count, what="what was sent has arrived over both hops")
    answer(lab, anna, letter, "I need another week, but yes.")
    lab.wait_mail(desk.address)
    until(lambda: desk.show(conversation)["next"] is None or _overdue(desk, conversation), what="a step is due")
    with desk.daemon():
        desk.wait_state(conversation, "answered")
    assert len(follow_ups(lab, anna)) == count


def _overdue(desk: Desk, conversation: str) -> bool:
    due_at = datetime.fromisoformat(desk.show(conversation)["next"]["at"])
    return due_at <= datetime.now(UTC)


def test_her_own_hand_moves_the_clock(lab: Lab, tmp_path: Path) -> None:
    desk = Desk(lab, tmp_path, rule=RULE_WITH_DAYS)
    anna = lab.new_user("anna")
    original_id = desk.write(anna)
    conversation = desk.enroll(anna)
    before = desk.show(conversation)["next"]["at"]
    with desk.daemon():
        desk.write(anna, "Re: The proposal", "One more thing.", In_Reply_To=original_id, References=original_id)
        shown = until(lambda: _touched(desk, conversation), what="her own letter is seen")
    assert shown["touches"] == 2
    assert shown["next"]["at"] > before


def _touched(desk: Desk, conversation: str) -> Any:
    shown = desk.show(conversation)
    return shown if shown["touches"] == 2 else None


def test_her_mailbox_is_left_as_it_was(lab: Lab, desk: Desk) -> None:
    """Case 84, P5: flags and UIDs are the same after a day's work, but for the copies in Sent."""
    anna = lab.new_user("anna")
    desk.write(anna)
    lab.deliver(desk.address, _sent_earlier("stranger@elsewhere.test", desk.address).as_bytes())
    lab.wait_mail(desk.address)
    with desk.imap() as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(), [b"\\Flagged", b"\\Answered", b"$Label1", b"Customer"])
        client.create_folder("Clients")
        client.append(
            "Clients", _sent_earlier("client@elsewhere.test", desk.address).as_bytes(), flags=[b"\\Seen", b"$Forwarded"]
        )
        client.append("Clients", _sent_earlier("client@elsewhere.test", desk.address).as_bytes())
    before = _flags(desk)
    assert {flag for flags in before["Clients"].values() for flag in flags} == {b"$Forwarded", b"\\Seen"}
    conversation = desk.enroll(anna)
    with desk.daemon():
        letter = lab.wait_mail(anna, lambda m: bool(m["X-Inboxagent"]))
        answer(lab, anna, letter, "Yes.")
        desk.wait_state(conversation, "answered")
    after = _flags(desk)
    for mailbox, flags in before.items():
        assert {uid: after[mailbox].get(uid) for uid in flags} == flags
    assert {mailbox for mailbox in after if len(after[mailbox]) > len(before[mailbox])} <= {"INBOX", "Sent"}


def _flags(desk: Desk) -> dict[str, dict[int, tuple[bytes, ...]]]:
    found: dict[str, dict[int, tuple[bytes, ...]]] = {}
    with desk.imap() as client:
        for _, _, name in client.list_folders():
            client.select_folder(name, readonly=True)
            uids = client.search()
            flags = client.get_flags(uids) if uids else {}
            found[name] = {uid: tuple(sorted(each for each in flags[uid] if each != b"\\Recent")) for uid in uids}
    return found


def test_a_second_daemon_is_kept_out(lab: Lab, desk: Desk) -> None:
    with desk.daemon() as process:
        second = desk.run("run", code=75)
    assert str(process.pid) in second.stderr


def test_a_wrong_password_ends_with_one_sentence(lab: Lab, desk: Desk) -> None:
    (desk.folder / "password").write_text("wrong\n")
    ended = desk.run("run", code=77)
    assert "wrong" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()[-1]) < 300


def test_an_unreachable_server_is_named_and_nothing_is_sent(lab: Lab, desk: Desk) -> None:
    anna = lab.new_user("anna")
    desk.write(anna)
    conversation = desk.enroll(anna)
    config = desk.config.read_text()
    desk.config.write_text(config.replace(f"port = {lab.imaps_port}", f"port = {free_port()}"))
    ended = desk.run("run", "--once", code=69)
    assert "localhost" in ended.stderr
    assert desk.show(conversation)["state"] == "waiting"
    assert follow_ups(lab, anna) == []
