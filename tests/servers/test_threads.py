"""The pinned letters as others thread them: Dovecot by References (RFC 5256), and mutt."""

import mailbox
import os
import shutil
import subprocess
from email import message_from_bytes
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.servers.desk import Desk
from tests.servers.lab import Lab

GOLDEN = Path(__file__).parents[1] / "mail" / "golden"
LETTERS = [path.read_bytes() for path in sorted(GOLDEN.glob("*.eml")) if "copy" not in path.stem]
STRANGER = (
    b"Message-ID: <another@elsewhere.test>\r\nFrom: Bo <bo@elsewhere.test>\r\nTo: maya@lind.example\r\n"
    b"Date: Tue, 03 Mar 2026 10:00:00 +0000\r\nSubject: Something else\r\n\r\nHello\r\n"
)


def ids(letters: list[bytes]) -> list[str]:
    return [str(message_from_bytes(each)["Message-ID"]) for each in letters]


def test_dovecot_finds_one_thread(lab: Lab, tmp_path: Path) -> None:
    desk = Desk(lab, tmp_path)
    with desk.imap() as client:
        client.create_folder("Thread")
        for each in (*LETTERS, STRANGER):
            client.append("Thread", each)
        client.select_folder("Thread", readonly=True)
        threads = [sorted(flatten(each)) for each in client.thread("REFERENCES")]
    assert sorted(threads) == [list(range(1, len(LETTERS) + 1)), [len(LETTERS) + 1]]


def flatten(thread: Any) -> list[int]:
    return list(chain.from_iterable(map(flatten, thread))) if isinstance(thread, tuple) else [thread]


MUTT = """\
set sort=threads strict_threads=yes
set pipe_decode=no pipe_split=no wait_key=no
set folder={folder} spoolfile={folder}/box record="" header_cache=""
push "<first-entry><tag-thread><tag-prefix><pipe-message>cat > {folder}/thread<enter><exit>"
"""


@pytest.fixture
def mutt() -> str:
    """The program; where it is missing the test is skipped by name, or fails if the environment insists."""
    path = shutil.which("mutt")
    if path is None and os.environ.get("INBOXAGENT_REQUIRE_SERVERS") == "1":
        pytest.fail("mutt is required here, and not installed")
    if path is None:
        pytest.skip("mutt is not installed")
    return path


def test_mutt_finds_one_thread(mutt: str, tmp_path: Path) -> None:
    """By References alone, without a look at subjects."""
    box = mailbox.mbox(tmp_path / "box")
    for each in (*LETTERS, STRANGER):
        box.add(each)
    box.close()
    (tmp_path / "muttrc").write_text(MUTT.format(folder=tmp_path))
    command = ["timeout", "--foreground", "90", mutt, "-n", "-R", "-F", str(tmp_path / "muttrc")]
    ours, its = os.openpty()
    environ = {**os.environ, "TERM": "vt100", "HOME": str(tmp_path)}
    with subprocess.Popen(
        [*command, "-f", str(tmp_path / "box")], stdin=its, stdout=its, stderr=its, env=environ, start_new_session=True
    ) as process:
        os.close(its)
        shown = b""
        while piece := read(ours):
            shown += piece
    os.close(ours)
    assert process.returncode == 0, shown.decode(errors="replace")
    thread = (tmp_path / "thread").read_bytes()
    assert [each in thread.decode("latin-1") for each in ids([*LETTERS, STRANGER])] == [True] * len(LETTERS) + [False]


def read(terminal: int) -> bytes:
    """What the program shows; nothing once it has ended, which Linux tells by an error."""
    try:
        return os.read(terminal, 4_096)
    except OSError:
        return b""
