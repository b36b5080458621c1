"""`classify`: what the agent makes of message files."""

import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click

from inboxagent.cli.options import json_option
from inboxagent.cli.paper import plain, say, say_json, tell
from inboxagent.errors import UsageError
from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import Inbound, parse
from inboxagent.mail.newtext import marked_lines, new_text

MOST_CUT_SHOWN = 20


@click.command("classify")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--stdin-paths", is_flag=True, help="Read the paths from standard input, one a line.")
@json_option
def classify_command(files: tuple[str, ...], stdin_paths: bool, as_json: bool) -> int:
    """Say for each message file what it is and because of which words."""
    if stdin_paths == bool(files):
        raise UsageError("name message files, or give their paths on standard input with --stdin-paths")
    failed = False
    for path in _lines() if stdin_paths else files:
        failed = not _answer(path, as_json, in_step=stdin_paths) or failed
    return 1 if failed else 0


def _lines() -> Iterator[str]:
    # readline, not iteration: whoever waits for an answer before writing the next path must get it.
    return (line.rstrip("\r\n") for line in iter(sys.stdin.readline, ""))


def _answer(path: str, as_json: bool, *, in_step: bool) -> bool:
    """Answer for one file; False where it cannot be read. A reader of JSON in step gets a line all the same."""
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        tell(f"inboxagent: {plain(path)}: cannot be read: {why}")
        if as_json and in_step:
            say_json(_document(path, Verdict(kind=Kind.OTHER, because=f"cannot be read: {why}"), ""), lines=True)
        return False
    message = parse(raw)
    verdict = classify(message)
    if as_json:
        say_json(_document(path, verdict, verdict.new_text or new_text(message)), lines=True)
    else:
        _say(path, verdict, message)
    return True


def _document(path: str, verdict: Verdict, visible_text: str) -> dict[str, Any]:
    return {
        "path": path,
        "kind": str(verdict.kind),
        "intent": verdict.intent,
        "because": verdict.because,
        "recipient": verdict.recipient,
        "recipients": list(verdict.recipients),
        "permanent": verdict.permanent,
        "original_message_id": verdict.original_message_id,
        "visible_text": visible_text,
        "return_date": verdict.return_date.isoformat() if verdict.return_date else None,
        "contact_after": verdict.contact_after.isoformat() if verdict.contact_after else None,
        "promised_until": verdict.promised_until.isoformat() if verdict.promised_until else None,
        "successor": verdict.successor,
    }


def _say(path: str, verdict: Verdict, message: Inbound) -> None:
    """The verdict, its evidence, then what was judged: his lines as they are, the others after a minus."""
    say(plain(path))
    say(f"  {_word(verdict)}")
    say(f"  because: {plain(verdict.because)}")
    if verdict.new_text:
        cut = 0
        for is_his, line in marked_lines(message):
            cut += not is_his
            if is_his or cut <= MOST_CUT_SHOWN:
                say(f"    {' ' if is_his else '-'} {plain(line)}")
        if cut > MOST_CUT_SHOWN:
            say(f"    - … and {cut - MOST_CUT_SHOWN} more lines that are not his")
    say("")
    sys.stdout.flush()


def _word(verdict: Verdict) -> str:
    parts: Iterable[str | None] = (
        str(verdict.kind),
        _INTENTS.get(verdict.intent or ""),
        f"back on {_day(verdict.return_date)}" if verdict.return_date else None,
        f"to be written to from {_day(verdict.contact_after)}" if verdict.contact_after else None,
        f"until {_day(verdict.promised_until)}" if verdict.promised_until else None,
        f"write to {verdict.successor} instead" if verdict.successor else None,
        _fate(verdict),
    )
    return ", ".join(part for part in parts if part)


_INTENTS = {
    "refusal": "he declines",
    "promise": "he promises to answer",
    "question": "he asks",
    "left": "he has left the company",
    "unmonitored": "nobody reads this mailbox",
}


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _fate(verdict: Verdict) -> str | None:
    whose = ", ".join(verdict.recipients) or "an address that it does not name"
    match verdict.kind:
        case Kind.BOUNCE:
            return f"{whose} is dead" if verdict.permanent else f"{whose} was not reached, but may be later"
        case Kind.DELAYED:
            return f"{whose} is still being tried"
        case _:
            return None
