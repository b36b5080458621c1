"""Phrase files: `phrases/LANGUAGE.yaml` holds for each phrase its words in each tone."""

import re

from inboxagent.outreach.phrases import BUILT_IN, GREETING, SIGN_OFF, TONES, Phrases
from inboxagent.rules.placeholders import check_template
from inboxagent.rules.problem import Problem, Report, did_you_mean
from inboxagent.rules.source import INVISIBLE, Passage, Piece, split_lines
from inboxagent.rules.tree import Node, Scalar, Table, read_tree
from inboxagent.rules.vocabulary import Vocabulary

_NAME = re.compile(r"[^\W\d]\w{0,59}")


def parse_phrases(path: str, source: str) -> tuple[Phrases | None, tuple[Problem, ...]]:
    """The phrases of a file, whose stem names the language; None where one of the problems is an error.

    A phrase is a table of tones, or one text for all of them. A file may hold a part of the phrases only.
    """
    report = Report(path)
    lines = [Piece(text=INVISIBLE.sub(" ", text), line=line) for line, text in enumerate(split_lines(source), 1)]
    table = read_tree(lines, report)
    texts = {key.text: _read_tones(node, report) for key, node in table.entries if _check_name(key, report)}
    if report.failed:
        return None, report.problems
    language = path.rpartition("/")[2].rpartition(".")[0]
    return Phrases(language=language, texts=texts), report.problems


def _check_name(key: Scalar, report: Report) -> bool:
    if not _NAME.fullmatch(key.text):
        report.error(key.piece, f'"{key.text}" cannot be the name of a phrase', "letters, digits and _ only")
        return False
    if key.text in BUILT_IN and key.text not in (GREETING, SIGN_OFF):
        report.error(key.piece, f'"{key.text}" has a meaning already', "choose another name for this phrase")
        return False
    return True


def _read_tones(node: Node, report: Report) -> dict[str, str]:
    if isinstance(node, Scalar):
        return dict.fromkeys(TONES, _read_text(node, report))
    if not isinstance(node, Table):
        report.error(node.piece, "a phrase is one text, or one a tone", f"tones: {', '.join(TONES)}")
        return {}
    texts = {}
    for tone, words in node.entries:
        if tone.text not in TONES:
            report.error(tone.piece, f'unknown tone "{tone.text}"', did_you_mean(tone.text, TONES))
        else:
            texts[tone.text] = _read_text(words, report)
    return texts


def _read_text(node: Node, report: Report) -> str:
    if not isinstance(node, Scalar) or not node.text.strip():
        report.error(node.piece, "words are missing here", "a text, in quotes where it has a colon in it")
        return ""
    check_template(Passage([node.piece]), Vocabulary(), report)
    return node.text.strip()
