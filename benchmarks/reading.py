"""How fast the mailbox is read, each figure beside its rivals from the same run, on a private Dovecot.

    .venv/bin/python benchmarks/reading.py [--messages 20000] [--mailboxes 50] [--arrivals 20] [--rounds 5]

New mail to answered: from the end of the delivery until the answer is in the store (IDLE and NOTIFY), beside a bare
socket in IDLE, which is the floor, mbsync (isync), started at the very instant of the delivery, and a poll every 5
minutes, which is arithmetic. Look before a send: all mailboxes when nothing is new, beside a bare LIST-STATUS. Headers:
a whole mailbox, beside a bare socket, imapclient's own fetch of the same fields, and imap-tools, whose messages are
lazy and have to be read to be a result; ours once as they come and once read as well. What is not installed is named.
"""

import argparse
import asyncio
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from imapclient import IMAPClient

sys.path.insert(0, str(Path(__file__).parent.parent))

from inboxagent.agent.account import Account
from inboxagent.agent.reading import Reader, prepare
from inboxagent.edge.imap import ImapMailbox
from inboxagent.edge.imap_reading import FIELDS
from inboxagent.edge.store import open_store
from inboxagent.edge.system import SystemClock
from inboxagent.mail.inbound import parse_headers
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.model import Enrolment, Me, Prospect
from inboxagent.outreach.rulebook import Rulebook
from inboxagent.outreach.state import State
from inboxagent.ports import Cursor, Store
from tests.servers.dovecot import Dovecot, missing

ANNA = "anna@prospect.test"


def main() -> int:
    """Everything, as tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--mailboxes", type=int, default=50)
    parser.add_argument("--arrivals", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    if reason := missing():
        print(f"Dovecot is needed for this benchmark, and {reason}", file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
    folder.chmod(0o755)
    server = Dovecot(folder / "d")
    server.start()
    try:
        asyncio.run(arrivals(server, folder, wanted.arrivals))
        asyncio.run(looks(server, wanted.mailboxes, wanted.rounds))
        asyncio.run(headers(server, folder, wanted.messages, wanted.rounds))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def open_mailbox(server: Dovecot, user: str) -> ImapMailbox:
    """Ours, without TLS, as the rivals have none either."""
    return ImapMailbox(
        host=server.host, port=server.imap_port, security="none", username=user, password=lambda: server.password
    )


class Raw:
    """A bare socket that is logged in."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self._socket = socket.create_connection((server.host, server.imap_port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb", 1 << 20)
        self._stream.readline()
        self.ask(f"LOGIN {user} {server.password}")

    def ask(self, command: str) -> bytes:
        """Send it and read to its tagged answer."""
        self.send(command)
        return self.until(b"t ")

    def send(self, command: str) -> None:
        self._socket.sendall(f"t {command}\r\n".encode())

    def until(self, start: bytes) -> bytes:
        """Everything up to a line that begins so."""
        got = []
        while True:
            line = self._stream.readline()
            got.append(line)
            if line.startswith(start) or not line:
                return b"".join(got)
            if line.endswith(b"}\r\n"):
                got.append(self._stream.read(int(line[line.rindex(b"{") + 1 : -3])))

    def line(self) -> bytes:
        return self._stream.readline()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


# --- new mail to answered


async def arrivals(server: Dovecot, folder: Path, count: int) -> None:
    """An answer is delivered; when is it in the store, and when would a bare IDLE have known of it?"""
    prepare()
    idle, answered = [], []
    for number in range(count):
        user = server.new_user("maya", "consultant.test")
        floor, ours = await one_arrival(server, user, folder / f"state{number}")
        idle.append(floor)
        answered.append(ours)
    rows = {"bare socket in IDLE": idle, "inboxagent, in the store": answered}
    if shutil.which("mbsync"):
        rows["mbsync, one run, in the Maildir"] = [
            mbsync_arrival(server, folder / f"sync{number}") for number in range(count)
        ]
    else:
        print("\nmbsync is not installed, so it is left out: apt install isync")
    print(f"\nnew mail to answered, {count} answers, milliseconds   p50      p99")
    for name, seconds in rows.items():
        print(f"  {name:44} {1000 * statistics.median(seconds):9.1f} {1000 * percentile(seconds, 99):8.1f}")
    print(f"  {'a poll every 5 minutes (arithmetic)':44} {150_000.0:9.1f} {297_000.0:8.1f}")
    print(f"  ratio to the bare socket: {statistics.median(answered) / statistics.median(idle):.2f}")


async def one_arrival(server: Dovecot, user: str, state: Path) -> tuple[float, float]:
    store, mailbox = enrolled_store(state, user), open_mailbox(server, user)
    account = Account(me=Me(name="Maya", address=user), key=b"k", rules=lambda: Rulebook(sequences={}))
    reader = Reader(account, mailbox, store, SystemClock(), lambda word, fields: None, lambda fetched, raw, why: None)
    raw = Raw(server, user)
    raw.ask("EXAMINE INBOX")
    raw.send("IDLE")
    raw.until(b"+")
    await reader.read()
    await mailbox.wait(10)
    await reader.read()
    floor = asyncio.create_task(asyncio.to_thread(wait_exists, raw))
    await asyncio.to_thread(server.deliver, user, an_answer(user))
    begun = time.perf_counter()
    while store.conversations()[0].state is not State.ANSWERED:
        await mailbox.wait(10)
        await reader.read()
    ours = time.perf_counter() - begun
    at = await floor
    await mailbox.close()
    raw.close()
    store.close()
    return at - begun, ours


def an_answer(user: str) -> bytes:
    return f"From: {ANNA}\r\nTo: {user}\r\nMessage-ID: <a@prospect.test>\r\nSubject: Re: x\r\n\r\nYes.\r\n".encode()


def wait_exists(raw: Raw) -> float:
    while b" EXISTS" not in raw.line():
        pass
    return time.perf_counter()


def mbsync_arrival(server: Dovecot, folder: Path) -> float:
    """A new mail is fetched by a run of mbsync over a mailbox that it knows."""
    folder.mkdir()
    user = server.new_user("maya", "consultant.test")
    server.deliver(user, an_answer(user).replace(b"<a@", b"<old@"))
    run_mbsync(server, user, folder)
    server.deliver(user, an_answer(user))
    seconds = run_mbsync(server, user, folder)
    assert len(list((folder / "copy" / "INBOX" / "new").iterdir())) == 2
    return seconds


def enrolled_store(state: Path, user: str) -> Store:
    """Anna, enrolled a moment ago."""
    state.mkdir()
    store = open_store(state, user)
    enrolment = Enrolment(sequence="proposal", prospect=Prospect(address=ANNA), touches=1)
    event = Event(at=datetime.now(UTC) - timedelta(hours=1), word=Word.ENROLLED, because="b", enrolment=enrolment)
    with store.transaction("enrol") as ledger:
        ledger.enrol("anna1", event)
    return store


def percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


# --- look before a send


async def looks(server: Dovecot, count: int, rounds: int) -> None:
    """Nothing is new in so many mailboxes: what does it cost to know that?"""
    user = server.new_user("maya", "consultant.test")
    with IMAPClient(server.host, server.imap_port, ssl=False) as client:
        client.login(user, server.password)
        for number in range(count - 5):
            client.create_folder(f"Clients {number}")
            client.append(f"Clients {number}", b"From: x@x.test\r\n\r\nx\r\n")
    raw, mailbox = Raw(server, user), open_mailbox(server, user)
    command = 'LIST "" "*" RETURN (SPECIAL-USE STATUS (UIDNEXT UIDVALIDITY))'
    raw.ask(command)
    known = await mailbox.status()
    asked = trips(mailbox)
    bare, ours = [], []
    for _ in range(rounds * 20):
        begun = time.perf_counter()
        raw.ask(command)
        bare.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        assert await mailbox.status() == known
        ours.append(time.perf_counter() - begun)
    print(f"\nlook before a send, {len(known)} mailboxes, nothing new, milliseconds")
    print(f"  {'bare socket, LIST-STATUS':44} {1000 * statistics.median(bare):9.2f}")
    print(f"  {'inboxagent':44} {1000 * statistics.median(ours):9.2f}")
    each = (trips(mailbox) - asked) / (rounds * 20)
    print(f"  ratio {statistics.median(ours) / statistics.median(bare):.2f}; commands a look: {each:.1f}")
    await mailbox.close()
    raw.close()


def trips(mailbox: ImapMailbox) -> int:
    """How many commands the connection has sent: imaplib numbers its tags."""
    connection = mailbox._connection
    assert connection is not None
    return int(connection._imap.tagnum)


# --- headers


async def headers(server: Dovecot, folder: Path, count: int, rounds: int) -> None:
    """The header sections of a whole mailbox, the server's cache warm."""
    user = server.new_user("maya", "consultant.test")
    fill(server, user, count)
    rivals: dict[str, Callable[[], Awaitable[int]]] = {
        "bare socket, the same fields": lambda: asyncio.to_thread(by_socket, server, user),
        "inboxagent": lambda: ours(server, user),
        "inboxagent, parsed": lambda: ours(server, user, parse_headers),
        "imapclient, 1,000 UIDs a call, the same fields": lambda: asyncio.to_thread(by_imapclient, server, user),
    }
    try:
        import imap_tools  # noqa: F401

        rivals["imap-tools, headers_only, bulk=1000, read"] = lambda: asyncio.to_thread(by_imap_tools, server, user)
    except ImportError:
        print("\nimap-tools is not installed, so it is left out: pip install imap-tools")
    await rivals["bare socket, the same fields"]()
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, rival in rivals.items():
            begun = time.perf_counter()
            assert await rival() == count, name
            seconds[name].append(time.perf_counter() - begun)
    if shutil.which("mbsync"):
        seconds["mbsync, first copy, bodies too (once)"] = [run_mbsync(server, user, folder)]
    else:
        print("mbsync is not installed, so it is left out: apt install isync")
    floor, own = (statistics.median(seconds[name]) for name in ("bare socket, the same fields", "inboxagent"))
    print(f"\n{count} header sections, {rounds} rounds, median    seconds   x socket   x inboxagent")
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"  {name:44} {median:9.3f} {median / floor:9.2f} {median / own:12.2f}")


def fill(server: Dovecot, user: str, count: int) -> None:
    letters = [letter(number) for number in range(count)]
    with IMAPClient(server.host, server.imap_port, ssl=False) as client:
        client.login(user, server.password)
        for start in range(0, count, 500):
            client.multiappend("INBOX", letters[start : start + 500])


def letter(number: int) -> bytes:
    """A message of 5 KB: 3 KB of traces and signatures, as two providers leave, 500 bytes in fields that matter."""
    references = "".join(f"\r\n <{number}.{each}@consultant.test>" for each in range(5))
    traces = "".join(
        f"Received: from mail-{each}.provider.test (mail-{each}.provider.test [192.0.2.{each}])\r\n"
        f"\tby mx-{each}.consultant.test (Postfix) with ESMTPS id {number:010}{each}\r\n\t(version=TLS1_3 "
        f"cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n\tMon, 2 Mar 2026 09:00:0{each} +0000 (UTC)\r\n"
        for each in range(5)
    )
    for name in ("DKIM-Signature", "ARC-Message-Signature", "ARC-Seal"):
        signature = "\r\n\t".join(f"{number + line:064x}" for line in range(6))
        traces += f"{name}: a=rsa-sha256; d=prospect.test; s=2026; h=from:to:subject:date;\r\n\tb={signature}\r\n"
    traces += f"Authentication-Results: mx.consultant.test; dkim=pass; spf=pass; x={number}\r\n"
    return (
        f"{traces}From: Person {number} <p{number}@prospect.test>\r\nTo: Maya Lind <maya@consultant.test>\r\n"
        f"Subject: Re: Matter {number}\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n"
        f"Message-ID: <{number}@prospect.test>\r\n"
        f"In-Reply-To: <{number}.0@consultant.test>\r\nReferences:{references}\r\nContent-Type: text/plain\r\n\r\n"
        + "Some words of no great interest.\r\n"
        * 40
    ).encode()


async def ours(server: Dovecot, user: str, read: Callable[[bytes], object] = len) -> int:
    mailbox = open_mailbox(server, user)
    status = (await mailbox.status())["INBOX"]
    cursor, count = Cursor(status.uidvalidity, 1), 0
    while cursor.next_uid < status.uidnext:
        page = await mailbox.headers("INBOX", cursor, status.uidnext)
        count += sum(1 for each in page.messages if read(each.header))
        cursor = Cursor(status.uidvalidity, page.next_uid)
    await mailbox.close()
    return count


def by_socket(server: Dovecot, user: str) -> int:
    raw = Raw(server, user)
    raw.ask("EXAMINE INBOX")
    told = raw.ask(f"UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({FIELDS})])")
    raw.close()
    return told.count(b" FETCH (UID ")


def by_imapclient(server: Dovecot, user: str) -> int:
    items = ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[HEADER.FIELDS ({FIELDS})]"]
    with IMAPClient(server.host, server.imap_port, ssl=False) as client:
        client.login(user, server.password)
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        return sum(len(client.fetch(uids[start : start + 1_000], items)) for start in range(0, len(uids), 1_000))


def by_imap_tools(server: Dovecot, user: str) -> int:
    from imap_tools import MailBoxUnencrypted

    names = FIELDS.lower().split()
    with MailBoxUnencrypted(server.host, server.imap_port).login(user, server.password) as box:
        return sum(
            len([each.from_values, each.to_values, each.cc_values, each.reply_to_values, each.subject, each.date]) == 6
            and len([each.headers.get(name) for name in names]) == len(names)
            for each in box.fetch(headers_only=True, bulk=1_000, mark_seen=False)
        )


def run_mbsync(server: Dovecot, user: str, folder: Path) -> float:
    """Seconds of one run that copies INBOX into this folder, the first time or again."""
    copy = folder / "copy"
    copy.mkdir(exist_ok=True)
    config = folder / "mbsyncrc"
    config.write_text(
        f"IMAPStore far\nHost {server.host}\nPort {server.imap_port}\nUser {user}\nPass {server.password}\n"
        "SSLType None\n"
        f"AuthMechs LOGIN\n\nMaildirStore near\nPath {copy}/\nInbox {copy}/INBOX\nSubFolders Verbatim\n\n"
        "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n"
    )
    begun = time.perf_counter()
    subprocess.run(["mbsync", "-q", "-c", str(config), "all"], check=True, capture_output=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
