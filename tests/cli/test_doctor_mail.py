"""What `doctor` finds out about rules, servers and her domain, and what one letter to herself teaches."""

import threading

import pytest

from inboxagent.agent.copies import FILES_ITS_OWN
from inboxagent.cli import doctor_mail
from inboxagent.cli.diagnosis import Diagnosis, Grade
from inboxagent.cli.doctor_send import send
from inboxagent.cli.embedded import EmbeddedProvider
from inboxagent.errors import Unreachable
from tests.cli.desk import Desk, until


def about(found: list[Diagnosis], name: str) -> Diagnosis:
    return next(each for each in found if each.about == name)


def test_servers_that_are_well(desk: Desk, provider: EmbeddedProvider) -> None:
    found = [*doctor_mail.imap(desk.composition), *doctor_mail.smtp(desk.composition)]
    assert {each.grade for each in found} == {Grade.OK}
    assert "mailboxes are read: " in about(found, "imap").says
    assert about(found, "IDLE").says == "new mail is announced at once"
    assert "not offered: each mailbox is asked for by itself" in about(found, "LIST-STATUS").says
    assert "filed in Sent" in about(found, "sent").says
    assert about(found, "smtp").says == "127.0.0.1: logged in"


def test_servers_that_are_away_or_refuse(desk: Desk, provider: EmbeddedProvider) -> None:
    (desk.folder / "password").write_text("wrong\n")
    (refused,) = doctor_mail.imap(desk.composition)
    assert (refused.grade, "refuses the log-in" in refused.says) == (Grade.PROBLEM, True)
    (barred,) = doctor_mail.smtp(desk.composition)
    assert barred.grade is Grade.PROBLEM
    desk.configure()
    (away,) = doctor_mail.imap(desk.composition)
    assert "refuses the connection" in away.says


def test_rules(desk: Desk) -> None:
    (fine,) = doctor_mail.rules(desk.composition)
    assert "quick" in fine.says
    (desk.folder / "rules" / "quick.md").write_text("nonsense")
    assert [each.grade for each in doctor_mail.rules(desk.composition)] == [Grade.PROBLEM, Grade.OK]


RECORDS = {
    "lind.example": ["google-site-verification=1", "v=spf1 include:_spf.lind.example -all"],
    "fm1._domainkey.lind.example": ["v=DKIM1; k=rsa; p=MIIB"],
    "s1._domainkey.lind.example": ["v=DKIM1; p="],
    "_dmarc.lind.example": ["v=DMARC1; p=quarantine"],
}


def grades(records: dict[str, list[str]], name: str = "lind.example") -> list[Grade]:
    return [each.grade for each in doctor_mail.look_up(name, lambda name, kind: records.get(name, []))]


def test_what_the_world_is_told_of_her_domain() -> None:
    found = list(doctor_mail.look_up("lind.example", lambda name, kind: RECORDS.get(name, [])))
    assert {each.grade for each in found} == {Grade.OK}
    assert about(found, "DKIM").says == "there is a key under fm1"
    assert grades({}) == [Grade.WARNING] * 3
    assert grades({"lind.example": ["v=spf1 -all", "v=spf1 mx"]})[0] is Grade.PROBLEM
    assert grades(RECORDS, "mail.lind.example")[2] is Grade.OK  # the policy of the domain above


def test_a_letter_to_herself_teaches_what_the_server_does(desk: Desk, provider: EmbeddedProvider) -> None:
    found = send(desk.composition, patience=90)
    assert about(found, "letter").says == "it has arrived in INBOX"
    assert about(found, "id").says == "the Message-ID is kept"
    assert about(found, "sent").says == "the server files no copy of its own; inboxagent files one"
    assert desk.composition.store.fact(FILES_ITS_OWN) is None


def test_a_server_that_files_copies_is_remembered(desk: Desk, provider: EmbeddedProvider) -> None:
    def file_a_copy() -> None:
        letters = until(lambda: provider.mail("maya@lind.example"), "the letter has arrived")
        provider.deliver("maya@lind.example", letters[-1], "Sent")

    filing = threading.Thread(target=file_a_copy)
    filing.start()
    found = send(desk.composition, patience=90)
    filing.join()
    assert "files its own copy in Sent" in about(found, "sent").says
    assert desk.composition.store.fact(FILES_ITS_OWN) is not None


def test_the_command_shows_it_all_and_sends_where_it_is_asked_to(desk: Desk, provider: EmbeddedProvider) -> None:
    shown = desk.run("doctor", "--send")
    for name in ("state", "rules", "clock", "imap", "sent", "smtp", "SPF", "letter"):
        assert f"\n  {name:<11}" in shown.stdout
    assert len(provider.mail("maya@lind.example")) == 1
    desk.configure()
    assert {each["about"] for each in desk.ask("doctor", code=1) if each["grade"] == "problem"} == {"imap", "smtp"}


def test_name_servers_that_do_not_answer_are_no_verdict(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    def silent(name: str, kind: str) -> list[str]:
        raise Unreachable(f"the name servers do not tell of {name}: Timeout")

    monkeypatch.setattr(doctor_mail, "resolve", silent)
    (told,) = doctor_mail.domain(desk.composition)
    assert (told.about, told.grade) == ("domain", Grade.WARNING)
