"""`preview`: every date with its reason, and every letter as it would go."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from inboxagent.cli.calendar import ahead_of, coming_document, say_letters, say_letters_beside
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.enroll import read_tone
from inboxagent.cli.finding import find
from inboxagent.cli.look import who
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import say, say_json, tell, when
from inboxagent.config import find_config, load_config
from inboxagent.edge.enclosures import enclosures_in
from inboxagent.edge.rulefiles import phrasebook, read_rule, require_folder
from inboxagent.edge.shipped import find as find_shipped
from inboxagent.edge.system import SystemClock
from inboxagent.errors import ConfigError, Refused, RuleError, UsageError
from inboxagent.mail.headers import Address
from inboxagent.outreach.events import Event, Word
from inboxagent.outreach.fold import begin
from inboxagent.outreach.model import Enrolment, Mail, Me, Prospect
from inboxagent.outreach.personalise import missing
from inboxagent.outreach.phrases import Phrasebook, Phrases, phrases_for
from inboxagent.outreach.preview import Coming, foresee, resumed
from inboxagent.outreach.sequence import Do, FieldType, Sequence
from inboxagent.outreach.state import Conversation, State

Tones = tuple[str | None, ...]
SOMEBODY = Me(name="[your name]", address="you@your.example")
HIM = "prospect@company.example"


@click.command("preview")
@click.argument("what", metavar="FILE|CONVERSATION")
@click.option("--tone", "tones", metavar="TONE[,TONE]", help="In this tone; two of them are shown side by side.")
@config_option
@json_option
def preview_command(what: str, tones: str | None, config: str | None, as_json: bool) -> None:
    """Show when each letter would go and why then, and the letter itself; for a rule file or a conversation."""
    if _is_file(what):
        _preview_file(Path(what), config, as_json, _tones(tones))
    else:
        _preview_conversation(compose(config, tell), what, as_json, _tones(tones))


def _tones(words: str | None) -> Tones:
    """The tones to show; None is the enrolment's own. Raises UsageError."""
    named = [each.strip() for each in (words or "").split(",") if each.strip()]
    if len(named) > 2:
        raise UsageError("--tone takes one tone, or two with a comma between them")
    for name in named:
        read_tone(name)
    return tuple(named) or (None,)


def _is_file(what: str) -> bool:
    return what.endswith(".md") or os.sep in what or Path(what).is_file()


# -- a conversation ------------------------------------------------------------------------------------------------


def _preview_conversation(composition: Composition, what: str, as_json: bool, tones: Tones) -> None:
    if what in composition.rulebook.sequences and not composition.store.conversation(what):
        hers = composition.config.rules / f"{what}.md"
        path = hers if hers.is_file() else find_shipped("rules") / f"{what}.md"
        raise Refused(f'"{what}" is a sequence; see its letters with: inboxagent preview {path}')
    found = find(composition.store.conversations(), what)
    coming = ahead_of(composition, found, tones[0], passed_over=True)
    supposed = not coming and found.state is not State.FINISHED and not found.final and found.pending is None
    if supposed:
        coming = ahead_of(composition, resumed(found, composition.clock.now()), tones[0], passed_over=True)
    then = resumed(found, composition.clock.now()) if supposed else found
    comings = [coming, *(ahead_of(composition, then, tone, passed_over=True) for tone in tones[1:])]
    if as_json:
        say_json(_documents(tones, comings))
        return
    tell(f"{found.id}  {who(found)}, {found.enrolment.sequence}: {found.state}, {found.because}")
    if not coming:
        tell("No letter is ahead.")
    elif supposed:
        tell("Nothing goes out as it is. If you resumed it now:")
    now = composition.clock.now()
    _say([when(each.at, composition.home, now) for each in coming], tones, comings)


def _say(dates: list[str], tones: Tones, comings: list[tuple[Coming, ...]]) -> None:
    if len(comings) == 1:
        say_letters(dates, comings[0])
    else:
        say_letters_beside(dates, [str(tone) for tone in tones], comings)


def _documents(tones: Tones, comings: list[tuple[Coming, ...]]) -> list[dict[str, Any]]:
    """One object a letter or task, and one a tone where tones were asked for."""
    named = [{"tone": tone} if tone else {} for tone in tones]
    steps = (step for step in zip(*comings, strict=True) if not step[0].passed_over)
    return [coming_document(each) | name for step in steps for each, name in zip(step, named, strict=True)]


# -- a rule file ---------------------------------------------------------------------------------------------------


def _preview_file(path: Path, config: str | None, as_json: bool, tones: Tones) -> None:
    me, book = _author(config)
    finding = read_rule(path, book)
    for problem in finding.problems:
        tell(problem)
    sequence = finding.value
    if sequence is None:
        raise RuleError(f"{path} cannot be used; nothing to preview")
    now = SystemClock().now()
    phrases = phrases_for(sequence.language, book)
    fields = _pretend_fields(sequence, phrases, now)
    pretended = _pretend(sequence, fields, me, now)
    beside = enclosures_in(path.parent)
    comings = [tuple(foresee(pretended, sequence, book, me, now, tone, beside)) for tone in tones]
    if as_json:
        say_json(_documents(tones, comings))
        return
    _say_head(sequence, fields)
    coming = comings[0]
    zone = ZoneInfo(me.zone)
    _say([when(each.at, zone, now) for each in coming], tones, comings)
    going = [each for each in coming if not each.passed_over]
    if going:
        tasks = sum(each.step.do is Do.TASK for each in going)
        count = f"{len(going) - tasks} letters" + (f" and {tasks} task{'' if tasks == 1 else 's'}" if tasks else "")
        days = going[-1].at.astimezone(zone).date() - now.astimezone(zone).date()  # a day may have 23 hours
        say(f"{count} in {days.days} days.")


def _author(config: str | None) -> tuple[Me, Phrasebook]:
    """Her name and her phrases where there is a configuration; the shipped ones where there is none."""
    shipped = find_shipped("rules")
    try:
        path = find_config(config, os.environ)
    except ConfigError:
        return SOMEBODY, phrasebook(shipped)
    known = load_config(path, os.environ)
    require_folder(known.rules, path if known.rules_named else None)
    return known.me, phrasebook(shipped, known.rules)


def _pretend_fields(sequence: Sequence, phrases: Phrases, now: datetime) -> dict[str, str]:
    """A value for each field that would have to be given: `[name]`, or a number or date where it must be one, each date
    a month after the one before it."""
    kinds = {name: field.type for name, field in sequence.fields.items()}
    dates = [name for name, kind in kinds.items() if kind is FieldType.DATE]
    months = {name: f"{now + number * timedelta(days=30):%Y-%m-%d}" for number, name in enumerate(dates, 1)}
    optional = [field.name for field in sequence.fields.values() if field.fallback is None]
    wanted = dict.fromkeys((*missing(sequence, None, {}, phrases), *optional))
    numbers = {name: "1000" for name, kind in kinds.items() if kind is FieldType.NUMBER}
    return {name: (months | numbers).get(name, f"[{name}]") for name in wanted}


def _pretend(sequence: Sequence, fields: dict[str, str], me: Me, now: datetime) -> Conversation:
    """A prospect who is enrolled this moment, in a thread in which she has just written to him, or that is opened."""
    opens = sequence.steps[0].wait is None
    latest = Mail(
        message_id="<yours@your.example>",
        at=now,
        subject="[the subject of your thread]",
        from_=Address(name=me.name, address=me.address),
        to=(Address(name="", address=HIM),),
    )
    enrolment = Enrolment(
        sequence=sequence.name,
        prospect=Prospect(address=HIM, fields=fields),
        latest=None if opens else latest,
        touches=0 if opens else 1,
        last_touch_at=None if opens else now,
        subject=None if sequence.steps[0].subject else "[the subject that you give]",
    )
    return begin("preview", Event(at=now, word=Word.ENROLLED, because="a preview", enrolment=enrolment))


def _say_head(sequence: Sequence, fields: dict[str, str]) -> None:
    given = ", ".join(f"{name} = {value}" for name, value in fields.items())
    opens = sequence.steps[0].wait is None
    whom = "you write to for the first time (--new)" if opens else "to whom you have just written"
    tell(f"{sequence.title}: for somebody {whom}, in your time zone.")
    tell(f"Pretended: {given}; fallbacks for the rest." if given else "Every field has its fallback.")
    tell("")
