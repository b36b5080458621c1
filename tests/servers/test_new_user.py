"""As a new user goes, on Dovecot and Postfix: from a clean home directory to the first rehearsed follow-up."""

import os
import subprocess
import sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from tests.servers.lab import WIRE, Lab


def test_five_commands_lead_to_the_first_rehearsed_follow_up(lab: Lab, tmp_path: Path) -> None:
    maya, anna = lab.new_user("maya", "consultant.test"), lab.new_user("anna")
    write_from_her_own_program(lab, maya, anna)
    password = tmp_path / "password"
    password.write_text(f"{lab.password}\n")
    password.chmod(0o600)

    def type_in(*words: str) -> str:
        home = {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), "TZ": "UTC"}
        command = [sys.executable, "-m", "inboxagent", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=home, timeout=300, check=False)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    places = ("--imap", f"localhost:{lab.imaps_port}/tls", "--smtp", f"localhost:{lab.submission_port}/starttls")
    who = ("--address", maya, "--name", "Maya Lind", "--password-file", str(password), "--ca-file", str(lab.cafile))
    assert "inboxagent doctor" in type_in("init", *who, *places)
    assert f"{maya}\n" in type_in("doctor")
    enrol = ("enroll", "proposal", anna, "--field", "first_name=Anna", "--field", "project=the portal")
    assert "arrived" in type_in(*enrol, "--dry-run")
    type_in(*enrol)
    assert "Next: `arrived` to " in type_in("run", "--once", "--dry-run")
    assert len(lab.mail(anna)) == 1  # her own letter, and nothing else


def write_from_her_own_program(lab: Lab, sender: str, recipient: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = f"Maya Lind <{sender}>", recipient, "The proposal"
    letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="consultant.test")
    letter.set_content("Here it is.")
    lab.submit(sender, recipient, letter)
    client = lab.imap(sender)
    client.append("Sent", "\\Seen", "", letter.as_bytes(policy=WIRE))
    client.logout()
