"""Understanding of mail beside flufl.bounce and mail-parser-reply, over one labelled collection in one run.

    .venv/bin/python benchmarks/classification.py [--corpus ../shared/corpora]

The collection brings its own harness (classify_bench.py), which scores all three. flufl.bounce is asked for the failed
addresses, mail-parser-reply for the new text of the text that the standard library finds; neither can do more.
"""

import argparse
import contextlib
import email
import email.policy
import importlib.util
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType
from typing import Any

from flufl.bounce import all_failures
from mailparser_reply import EmailReplyParser
from mailparser_reply.constants import MAIL_LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inboxagent.mail import phrases  # noqa: E402
from inboxagent.mail.classify import classify  # noqa: E402
from inboxagent.mail.inbound import parse  # noqa: E402

Answer = dict[str, Any]
Classifier = Callable[[str], Answer]

# What is printed, by the harness's names; the rest of a rival's figures would only say what it does not try.
FIGURES = {
    "bounce_recall": "bounce recall",
    "bounce_precision": "bounce precision",
    "delayed_recall": "delayed recall",
    "delayed_precision": "delayed precision",
    "recipient_first": "first recipient",
    "recipient_all": "all recipients",
    "recipient_wrong": "recipient wrong",
    "text_exact": "new text",
    "text_exact_worst_source": "new text, worst source",
    "kind_accuracy": "kind accuracy",
    "kind_macro_f1": "kind macro-F1",
    "hard_precision": "hard precision",
    "hard_recall": "hard recall",
    "message_id_right": "original Message-ID",
    "return_date_right": "return date",
    "contact_after_right": 'date for "not now"',
    "false_alarms": "false alarms",
}
NOTICES = {name for name in FIGURES if name.startswith(("bounce", "delayed", "recipient"))}
TEXTS = {name for name in FIGURES if name.startswith("text")}


def inboxagent(path: str) -> Answer:
    message = parse(Path(path).read_bytes())
    verdict = classify(message)
    return {
        "kind": str(verdict.kind),
        "recipients": list(verdict.recipients),
        "permanent": verdict.permanent,
        "original_message_id": verdict.original_message_id,
        "visible_text": verdict.new_text,
        "return_date": verdict.return_date and verdict.return_date.isoformat(),
        "contact_after": verdict.contact_after and verdict.contact_after.isoformat(),
    }


def flufl_bounce(path: str) -> Answer:
    temporary, permanent = all_failures(email.message_from_bytes(Path(path).read_bytes()))
    found = sorted(address.decode("ascii", "replace") for address in permanent or temporary)
    return {"kind": "bounce" if permanent else "delayed" if temporary else "other", "recipients": found}


def mail_parser_reply(path: str) -> Answer:
    message = email.message_from_bytes(Path(path).read_bytes(), _class=EmailMessage, policy=email.policy.default)
    body = message.get_body(("plain", "html")) if isinstance(message, EmailMessage) else None
    text = body.get_content() if body is not None else ""
    return {"kind": "reply", "visible_text": _READER.parse_reply(text) or ""}


_READER = EmailReplyParser(languages=list(MAIL_LANGUAGES))

ROUNDS = 2  # of which the quicker counts

# Each with the figures that are its business.
CONTESTANTS: dict[str, tuple[Classifier, set[str]]] = {
    "inboxagent": (inboxagent, set(FIGURES)),
    "flufl.bounce": (flufl_bounce, NOTICES),
    "mail-parser-reply": (mail_parser_reply, TEXTS),
}


def load_harness(corpus: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("classify_bench", corpus / "classify_bench.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no harness in {corpus}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def clear_memory() -> None:
    """Forget texts that were seen before: in life each message comes once."""
    for memory in (phrases.fold, phrases._worded):
        memory.cache_clear()


def seconds(classifier: Classifier, path: str) -> float:
    """CPU time for one message, reading the file included; exceptions are counted elsewhere."""
    clear_memory()
    started = time.process_time()
    with contextlib.suppress(Exception):
        classifier(path)
    return time.process_time() - started


def measure(harness: ModuleType, corpus: Path, rows: list[Answer], contestant: str) -> dict[str, str]:
    """One contestant's figures: the name of a row and what stands in it."""
    classifier, business = CONTESTANTS[contestant]
    answers, _, failures, _ = harness.run(rows, corpus, classifier, 0)
    figures = harness.score(rows, answers)[0]
    column = {words: f"{figures[name]:g}" for name, words in FIGURES.items() if name in business}
    return column | {"exceptions": str(len(failures))}


def race(corpus: Path, rows: list[Answer]) -> dict[str, dict[str, str]]:
    """The times of all contestants, message by message in turn, so that a busy machine is busy for all of them."""
    times: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for row in rows:
        path = str(corpus / row["path"])
        rounds = [{name: seconds(CONTESTANTS[name][0], path) for name in CONTESTANTS} for _ in range(ROUNDS)]
        for name, taken in times.items():
            taken.append(1_000 * min(each[name] for each in rounds))
    return {name: _summary(sorted(taken)) for name, taken in times.items()}


def _summary(milliseconds: list[float]) -> dict[str, str]:
    return {
        "CPU ms, all messages": f"{sum(milliseconds):.0f}",
        "CPU ms, median": f"{statistics.median(milliseconds):.2f}",
        "CPU ms, 99 of 100": f"{milliseconds[len(milliseconds) * 99 // 100]:.1f}",
        "CPU ms, slowest": f"{milliseconds[-1]:.0f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpora")
    corpus = parser.parse_args().corpus
    if not (corpus / "manifest.jsonl").is_file():
        raise SystemExit(f"no labelled collection in {corpus}; name one with --corpus")
    logging.disable()  # flufl.bounce logs the exceptions of its detectors
    every = [json.loads(line) for line in (corpus / "manifest.jsonl").read_text("utf-8").splitlines()]
    every = [row for row in every if not row.get("variant") and not row.get("bulk")]
    columns = {name: measure(load_harness(corpus), corpus, every, name) for name in CONTESTANTS}
    for name, times in race(corpus, every).items():
        columns[name] |= times
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{len(every)} messages, one run, load {load} on {os.cpu_count()} cores\n")
    print(f"{'':<24}" + "".join(f"{name:>19}" for name in columns))
    for row in columns["inboxagent"]:
        print(f"{row:<24}" + "".join(f"{column.get(row, '-'):>19}" for column in columns.values()))


if __name__ == "__main__":
    main()
