"""Coverage-guided fuzzing of `parse` and `classify`: ./run fuzz [--seconds 30]

Begins with the project's own message files and the words of the language packs. An input that raises, gives a verdict
without a reason, or takes too long is kept as a file, and played again by: ./run fuzz FILE
"""

import argparse
import contextlib
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("The fuzzer needs atheris, which has no build for this machine: Linux, x86-64, Python below 3.14.")

# Not the search for phrases: its loop over ten thousand would drown every other branch.
with atheris.instrument_imports(include=["inboxagent.mail"], exclude=["inboxagent.mail.phrases"]):
    from inboxagent.mail import languages, phrases
    from inboxagent.mail.classify import Kind, classify
    from inboxagent.mail.inbound import parse, parse_headers
    from inboxagent.mail.newtext import marked_lines

MESSAGES = Path(__file__).parent / "messages"
NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
OURS = ["Dear Bart, shall we talk about the catalogue?\nIf not, answer stop."]
# Seconds of CPU for one input, ten times the promise: the counting of branches slows everything down.
LONGEST = 2.5
LONGEST_INPUT = 20_000


def main() -> None:
    options = _options()
    if options.files:
        for path in options.files:
            judge(path.read_bytes())
            print(f"{path}: holds")
        return
    folder = Path(tempfile.mkdtemp(prefix="inboxagent-fuzz-"))
    print(f"inputs that break something are kept in {folder}", file=sys.stderr)
    (folder / "found").mkdir()
    (folder / "words").write_text(_dictionary())
    flags = [
        f"-max_total_time={options.seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-artifact_prefix={folder}/",
        f"-timeout={int(LONGEST * 10)}",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        *([f"-seed={options.seed}"] if options.seed else []),
    ]
    if options.planted:
        atheris.Setup([sys.argv[0], *flags, "-max_len=64"], fail_on_a_word)
    else:
        classify(parse(next(iter(sorted(MESSAGES.glob("*.eml")))).read_bytes()))  # packs and patterns are read once
        words = f"-dict={folder / 'words'}"
        atheris.Setup([sys.argv[0], *flags, words, str(folder / "found"), str(MESSAGES)], judge)
    atheris.Fuzz()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run fuzz", description="Fuzz what reads and judges incoming messages.")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0: another one each time")
    parser.add_argument("--planted", action="store_true", help="find a planted fault: a trial of the fuzzer")
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="play these again instead")
    return parser.parse_args()


def _dictionary() -> str:
    """The first two phrases of each subject in each language, in libFuzzer's notation."""
    found = {words for pack in languages.packs() for phrases_ in pack.lists.values() for words in phrases_[:2]}
    texts = sorted(part for words in found for part in words.split("|")[:1] if 0 < len(part.encode()) <= 64)
    escaped = ("".join(rf"\x{octet:02x}" for octet in text.encode()) for text in texts)
    return "".join(f'"{each}"\n' for each in escaped)


def judge(raw: bytes) -> None:
    """What must hold for any bytes."""
    started = time.process_time()
    message = parse(raw)
    verdict = classify(message, ours=OURS, now=NOW, replies_to_ours=bool(raw) and raw[-1] % 2 == 0)
    lines = marked_lines(message, OURS)
    took = time.process_time() - started
    assert took < LONGEST, f"took {took:.1f} s"
    assert verdict.kind in Kind
    assert verdict.because
    assert message.message_id == parse_headers(raw).message_id or not message.has_message_id
    for text in (verdict.because, verdict.new_text, *verdict.recipients, *(line for _, line in lines)):
        text.encode()
    assert not verdict.return_date or verdict.return_date >= NOW.date()
    assert not verdict.contact_after or verdict.contact_after >= NOW.date()
    assert not verdict.promised_until or verdict.promised_until >= NOW.date()
    assert len(lines) <= phrases.MOST_LINES


@atheris.instrument_func
def fail_on_a_word(raw: bytes) -> None:
    """A planted fault, in bytes like "A1B2C3": only who is led by the branches taken gets there, letter by letter."""
    letters = raw.decode("latin-1").ljust(6)
    if not letters[0].isupper():
        return
    if not letters[1].isdigit():
        return
    if not letters[2].isupper():
        return
    if not letters[3].isdigit():
        return
    if not letters[4].isupper():
        return
    assert not letters[5].isdigit(), "the planted fault"


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
