"""`enroll --csv`: everybody in a table, all or nothing, each bad row named by its line and column."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inboxagent.agent.enrolment import Prepared, begin_all, prepare
from inboxagent.agent.wish import Wish
from inboxagent.cli.composition import Composition
from inboxagent.cli.documents import conversation_document
from inboxagent.cli.enroll import prospect_of, read_pace, read_tone
from inboxagent.cli.look import who
from inboxagent.cli.paper import plain, say, say_json, tell, when
from inboxagent.edge.people_file import ADDRESS, People, PeopleError, Row, read_people
from inboxagent.errors import InboxagentError, Refused, RuleError, UsageError
from inboxagent.outreach.personalise import check_fields, field_names
from inboxagent.outreach.phrases import phrases_for

OF_ENROLMENTS = ("subject", "tone", "pace", "start")
"""Columns that say how to enrol, rather than a fact about the person."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be enrolled."""

    line: int
    because: str
    wrong: bool  # the row itself is wrong, whatever lies in the mailbox


def enroll_many(
    composition: Composition, wish: Wish, file: str, *, skip_bad: bool, dry_run: bool, as_json: bool
) -> None:
    """Enrol everybody in the file, or nobody; with `skip_bad` all who can be."""
    people = _read(composition, wish, file)
    if people.ignored:
        tell(f"Columns that {wish.sequence.name} does not use: {', '.join(people.ignored)}")
    prepared, bad = asyncio.run(_prepare(composition, wish, people))
    for each in sorted(bad, key=lambda each: each.line):
        tell(f"{file}:{each.line}: {each.because}")
    if bad and not (skip_bad and prepared):
        count = f"{len(bad)} of {len(people.rows) + len(people.problems)} rows cannot be enrolled"
        error = RuleError if any(each.wrong for each in bad) else Refused
        raise error(f"{count}, so nobody is; put them right, or use --skip-bad")
    if not dry_run:
        begin_all(composition.account(dry=True), composition.store, prepared)
        composition.remember_rules()
    if as_json:
        documents = [conversation_document(e.conversation, composition.next_of(e.conversation)) for e in prepared]
        say_json(documents)
    else:
        _say(composition, prepared, dry_run)


def _read(composition: Composition, wish: Wish, file: str) -> People:
    phrases = phrases_for(wish.sequence.language, composition.rulebook.phrases)
    try:
        return read_people(Path(file).read_bytes(), (ADDRESS, *field_names(wish.sequence, phrases), *OF_ENROLMENTS))
    except PeopleError as error:
        raise RuleError(f"{file}: {error}") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error


async def _prepare(composition: Composition, wish: Wish, people: People) -> tuple[list[Prepared], list[Bad]]:
    """Who can be enrolled, and which rows cannot; a server that is away ends it all."""
    prepared: list[Prepared] = []
    bad = [Bad(line, because, True) for line, because in people.problems]
    lines: dict[str, int] = {}
    account, mailbox = composition.account(dry=True), composition.mailbox()
    try:
        for row in people.rows:
            found = _wish_of(row, wish, people, lines)
            if isinstance(found, Bad):
                bad.append(found)
                continue
            try:
                prepared.append(await prepare(account, mailbox, composition.store, composition.clock, found))
            except (Refused, UsageError) as error:
                bad.append(Bad(row.line, str(error), isinstance(error, UsageError)))
    finally:
        await mailbox.close()
    return prepared, bad


def _wish_of(row: Row, wish: Wish, people: People, lines: dict[str, int]) -> Wish | Bad:
    """What she asks for in this row; her options on the command line stand for what it does not say."""
    cells = dict(row.cells)
    address = cells.pop(ADDRESS, "")
    if not address:
        return Bad(row.line, f'column "{people.headings[ADDRESS]}": there is no address', True)
    known = {name: cells.pop(name) for name in OF_ENROLMENTS if name in cells and name not in wish.sequence.fields}
    fields = {**wish.prospect.fields, **cells}
    for complaint in check_fields(wish.sequence, cells):
        name, _, words = complaint.partition(": ")
        return Bad(row.line, f'column "{people.headings.get(name, name)}": {words}', True)
    column = ADDRESS
    try:
        prospect, column = prospect_of(address, fields), ""
        tone, pace = read_tone(known.get("tone")) or wish.tone, read_pace(known.get("pace")) or wish.pace
    except InboxagentError as error:
        where = f'column "{people.headings[column]}": ' if column else ""
        return Bad(row.line, f"{where}{error}", True)
    earlier = lines.setdefault(prospect.address.lower(), row.line)
    if earlier != row.line:
        return Bad(row.line, f"{prospect.address} stands in line {earlier} already", True)
    subject, start = known.get("subject") or wish.subject, known.get("start") or wish.start
    return replace(wish, prospect=prospect, tone=tone, pace=pace, subject=subject, start=start)


def _say(composition: Composition, prepared: Sequence[Prepared], dry_run: bool) -> None:
    now = composition.clock.now()
    for each in prepared:
        ahead = composition.next_of(each.conversation)
        date = f"`{ahead.step}` on {when(ahead.at, composition.home, now)}" if ahead else each.conversation.because
        say(f"{each.conversation.id}  {who(each.conversation)}: {plain(date)}")
    people = "1 person" if len(prepared) == 1 else f"{len(prepared)} people"
    if dry_run:
        tell(f"This was a dry run: {people} could be enrolled, and nothing was written.")
    else:
        tell(f"{people} enrolled.")
