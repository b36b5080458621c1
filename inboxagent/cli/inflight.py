"""What an edited rule file changes for the people inside, as `check` says it."""

from pathlib import Path

from inboxagent.cli.composition import Composition
from inboxagent.edge.rulefiles import read_kept
from inboxagent.outreach.edits import Edit, compare
from inboxagent.outreach.sequence import Sequence


def edit_lines(composition: Composition, path: Path, sequence: Sequence) -> list[str]:
    """Sentences about one file; none where it is as the daemon has it, or where nobody is inside."""
    if path.absolute().parent != composition.config.rules.absolute() or not composition.has_store:
        return []
    old = read_kept(composition.config.state / "rules", path.stem, composition.rulebook.phrases)
    if old is None or old.digest == sequence.digest:
        return []
    conversations = composition.store.conversations()
    edit = compare(old, sequence, conversations, composition.config.me, composition.clock.now())
    return _sentences(path, edit) if edit.inside and not edit.nothing else []


def _sentences(path: Path, edit: Edit) -> list[str]:
    inside = f"{edit.inside} {'person is' if edit.inside == 1 else 'people are'} inside {path.stem}"
    told = [(edit.other_letter, "the next step changes"), (edit.other_date, "its date moves")]
    effects = "; ".join(f"for {count} of them {what}" for count, what in told if count)
    lines = [f"{inside}; {effects or 'nothing that is ahead of them changes'}."]
    if edit.passed_by:
        lines.append(f"For {edit.passed_by} of them a new step lies behind their place, and is not sent to them.")
    gone = [word for word in edit.removed if word not in {old for old, _ in edit.renamed}]
    if gone:
        lines.append(f"Taken out, and passed over: {', '.join(gone)}.")
    lines += [
        f"Is `{new}` the step that was `{old}`? Whoever has had `{old}` may get `{new}` as well; "
        f"if that is not meant, call it `{old}` again."
        for old, new in edit.renamed
    ]
    return lines
