"""The daemon in front of a mail server gone wrong: nothing is sent, nothing is lost, `status` says what it is."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import pytest

from tests.fakes.fault_proxy import CERTIFICATES, FaultProxy
from tests.servers.desk import Desk
from tests.servers.lab import Lab
from tests.servers.polling import until

FAULTS = {
    "expired": "certificate has expired",
    "elsewhere": "not valid for 'localhost'",
    "silent": "does not answer",
    "cut": "the connection",
    "bye": "out of memory",
    "garbage": "HTTP/1.1 400 Bad Request",
    "no": "as you see",
    "bad": "as you see",
}


@contextmanager
def running(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """`run`, whether it can read or not."""
    with (desk.folder / "daemon.log").open("ab") as log:
        process = subprocess.Popen(desk._command("run"), stdout=log, stderr=log, env=desk._environment())
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def put_behind(desk: Desk, lab: Lab, proxy: FaultProxy) -> None:
    """Her configuration leads to the proxy, and trusts every certificate for what it says."""
    trusted = desk.folder / "trusted.pem"
    names = [lab.cafile, *(CERTIFICATES / f"{name}.pem" for name in ("expired", "elsewhere", "trusted"))]
    trusted.write_text("".join(path.read_text() for path in names))
    config = desk.config.read_text().replace(f"port = {lab.imaps_port}", f"port = {proxy.port}")
    desk.config.write_text(config.replace(f'ca_file = "{lab.cafile}"', 'ca_file = "trusted.pem"'))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_has_gone_wrong_and_mends(lab: Lab, tmp_path: Path, fault: str) -> None:
    desk = Desk(lab, tmp_path)
    anna = lab.new_user("anna")
    original = desk.write(anna)
    conversation = desk.enroll(anna)
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = anna, desk.address, "Re: The proposal"
    reply["Message-ID"], reply["In-Reply-To"] = make_msgid(domain="prospect.test"), original
    reply.set_content("Yes, gladly.\n")
    with FaultProxy("127.0.0.1", lab.imaps_port, fault) as proxy:
        put_behind(desk, lab, proxy)
        with running(desk) as process:
            until(lambda: FAULTS[fault] in str(desk.ask("status", code=None)), what="status says what it is")
            status = desk.ask("status", code=1)
            assert status["state"] == "blind"
            assert status["accounts"][0]["since"] is not None
            assert desk.ask("list")[0]["blind_since"] is not None
            lab.deliver(desk.address, reply.as_bytes())
            seen = proxy.attempts
            until(lambda: proxy.attempts > seen, what="it tries again")
            assert lab.mail(anna) != []
            assert not any(b"X-Inboxagent" in each for each in lab.mail(anna))
            assert desk.show(conversation)["state"] == "waiting"
            proxy.mode = "well"
            shown = desk.wait_state(conversation, "answered", within=120)
            assert desk.ask("status")["state"] == "ok"
            assert process.poll() is None
    assert [event["event"] for event in shown["events"]] == ["enrolled", "reply"]
    assert not any(b"X-Inboxagent" in each for each in lab.mail(anna))
    assert process.returncode == 0
