"""`enroll --csv`: everybody in a table, all or nothing, each bad row named by its line and column."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from inboxagent.agent.enrolment import Prepared, begin_all, prepare
from inboxagent.agent.wish import Wish, check_start
from inboxagent.cli.composition import Composition
from inboxagent.cli.documents import conversation_document
from inboxagent.cli.enroll import prospect_of, read_pace, read_tone, tell_notes
from inboxagent.cli.look import who
from inboxagent.cli.paper import plain, say, say_json, tell, when
from inboxagent.edge.people_file import ADDRESS, People, PeopleError, Row, read_people
from inboxagent.errors import Refused, RuleError, UsageError
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.personalise import check_fields, field_names
from inboxagent.outreach.phrases import phrases_for

T = TypeVar("T")

OF_ENROLMENTS = ("subject", "tone", "pace", "start")
"""Columns that say how to enrol, rather than a fact about the person."""


@dataclass(frozen=True, slots=True)
class Bad:
    """One reason why a row cannot be enrolled."""

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
    asked, prepared, bad = asyncio.run(_prepare(composition, wish, people))
    for each in sorted(bad, key=lambda each: each.line):
        tell(f"{file}:{each.line}: {each.because}")
    if bad and not (skip_bad and prepared):
        count = (
            f"{len({each.line for each in bad})} of {len(people.rows) + len(people.problems)} rows cannot be enrolled"
        )
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
    for given, his in zip(asked, prepared, strict=True):
        tell_notes(his.conversation, given)


def _read(composition: Composition, wish: Wish, file: str) -> People:
    phrases = phrases_for(wish.sequence.language, composition.rulebook.phrases)
    try:
        return read_people(Path(file).read_bytes(), (ADDRESS, *field_names(wish.sequence, phrases), *OF_ENROLMENTS))
    except PeopleError as error:
        raise RuleError(f"{file}: {error}") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error


async def _prepare(
    composition: Composition, wish: Wish, people: People
) -> tuple[list[Wish], list[Prepared], list[Bad]]:
    """What was asked for whom can be enrolled, those, and which rows cannot; a server that is away ends it all."""
    asked: list[Wish] = []
    prepared: list[Prepared] = []
    bad = [Bad(line, because, True) for line, because in people.problems]
    lines: dict[str, int] = {}
    account, mailbox = composition.account(dry=True), composition.mailbox()
    try:
        for row in people.rows:
            found = _wish_of(row, wish, people, lines)
            if isinstance(found, list):
                bad += [Bad(row.line, because, True) for because in found]
                continue
            try:
                prepared.append(await prepare(account, mailbox, composition.store, composition.clock, found))
                asked.append(found)
            except (Refused, UsageError) as error:
                bad.append(Bad(row.line, str(error), isinstance(error, UsageError)))
    finally:
        await mailbox.close()
    return asked, prepared, bad


def _wish_of(row: Row, wish: Wish, people: People, lines: dict[str, int]) -> Wish | list[str]:
    """What she asks for in this row, or all that is wrong with it; her options on the command line stand for what it
    does not say."""
    cells = dict(row.cells)
    address = cells.pop(ADDRESS, "")
    known = {name: cells.pop(name) for name in OF_ENROLMENTS if name in cells and name not in wish.sequence.fields}
    faults: list[str] = []

    def read(column: str, reader: Callable[[], T]) -> T | None:
        try:
            return reader()
        except UsageError as error:
            faults.append(f'column "{people.headings[column]}": {error}')
            return None

    prospect = read(ADDRESS, lambda: _prospect(address, {**wish.prospect.fields, **cells}))
    for complaint in check_fields(wish.sequence, cells):
        name, _, words = complaint.partition(": ")
        faults.append(f'column "{people.headings.get(name, name)}": {words}')
    tone = read("tone", lambda: read_tone(known.get("tone")))
    pace = read("pace", lambda: read_pace(known.get("pace")))
    start = read("start", lambda: check_start(wish.sequence, known.get("start")))
    if prospect is not None and (earlier := lines.setdefault(prospect.address.lower(), row.line)) != row.line:
        faults.append(f"{prospect.address} stands in line {earlier} already")
    if prospect is None or faults:
        return faults
    subject, start = known.get("subject") or wish.subject, start or wish.start
    return replace(
        wish, prospect=prospect, tone=tone or wish.tone, pace=pace or wish.pace, subject=subject, start=start
    )


def _prospect(address: str, fields: dict[str, str]) -> Prospect:
    if not address:
        raise UsageError("there is no address")
    return prospect_of(address, fields)


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
