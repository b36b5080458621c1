"""Text that works, and harms: what `check` warns of in a rule file that could be sent as it is."""

import re
from datetime import date, timedelta

from inboxagent.outreach.paragraphs import join_lines
from inboxagent.outreach.sequence import Do, Sequence, Step
from inboxagent.outreach.waits import Unit, Wait
from inboxagent.rules.document import STEP
from inboxagent.rules.problem import Problem, Report
from inboxagent.rules.source import Piece

LONGEST_WORDS = 150
STALE_AFTER = timedelta(days=365)
TWO_DAYS = 2

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.DOTALL)
_PERSONS = {
    "en": ("i i'm i've i'd i'll me my mine we us our ours", "you your yours yourself"),
    "de": (
        "ich mich mir mein meine meinen meinem meiner wir uns unser unsere unseren unserem",
        "sie ihnen ihr ihre ihren ihrem ihrer du dich dir dein deine deinen deinem deiner",
    ),
    "fr": ("je j'ai j' me mon ma mes nous notre nos", "vous votre vos tu te toi ton ta tes"),
    "nl": ("ik mij me mijn wij we ons onze", "u uw je jij jou jouw"),
    "sv": ("jag mig min mitt mina vi oss vår vårt våra", "du dig din ditt dina ni er ert era"),
}
_EMPTY_TALK = re.compile(
    r"just (?:wanted to )?(?:check(?:ing)?|follow(?:ing)?|reach(?:ing)?) (?:in|up|out)\b|touch(?:ing)? base|"
    r"circl(?:e|ing) back|bump(?:ing)? this|any (?:news|updates?) (?:yet|on)|nur kurz nachhaken|"
    r"wollte (?:nur )?(?:mal )?nachfragen|"
    r"je me permets de (?:vous )?relancer|petite relance|even (?:kort )?checken|ville bara (?:kolla|höra)|"
    r"sólo quería (?:saber|preguntar)|solo quería (?:saber|preguntar)|hacer(?:le)? (?:un )?seguimiento|"
    r"volevo solo (?:sapere|chiedere)|un (?:breve|piccolo) sollecito",
    re.IGNORECASE,
)  # fmt: skip
_HOURS = {Unit.SECOND: 1 / 3600, Unit.MINUTE: 1 / 60, Unit.HOUR: 1, Unit.DAY: 24, Unit.BUSINESS_DAY: 24}


def find_harm(path: str, sequence: Sequence, today: date, changed_on: date | None = None) -> tuple[Problem, ...]:
    """The warnings for a sequence that was read from this file, last changed on that day."""
    report = Report(path)
    for before, step in zip((None, *sequence.steps), sequence.steps, strict=False):
        _check_spacing(before, step, sequence, report)
        _check_expiry(step, today, report)
        if step.do is Do.MAIL:
            for letter in step.letters:
                _check_letter(step, letter, sequence.language, report)
    if changed_on is not None and today - changed_on > STALE_AFTER:
        days = (today - changed_on).days
        piece = Piece(text="---", line=1)
        report.warn(piece, f"nobody has changed this file for {days} days", "read it once more as if you got it")
    return report.problems


def _check_spacing(before: Step | None, step: Step, sequence: Sequence, report: Report) -> None:
    if before is None or Do.TASK in (before.do, step.do) or not isinstance(step.wait, Wait):
        return
    wait = step.wait.paced(sequence.pace)
    if wait.amount * _HOURS.get(wait.unit, 24 * 7) < 24 * TWO_DAYS:
        report.warn(
            _heading(step), f"only {wait} after the letter before it", "give people at least two days between letters"
        )


def _check_expiry(step: Step, today: date, report: Report) -> None:
    day = step.expires.day if step.expires else None
    if day is not None and day < today:
        hint = "put in a new date, or take the step out"
        report.warn(_heading(step), f"its offer ended on {day.isoformat()}, so it is never sent", hint)


def _check_letter(step: Step, letter: str, language: str, report: Report) -> None:
    paragraphs = join_lines(letter).split("\n\n")
    words = _WORD.findall(_TAG.sub(" x ", letter).lower())
    if len(words) > LONGEST_WORDS:
        hint = f"up to {LONGEST_WORDS} are read; leave out what does not help him to answer"
        report.warn(_heading(step), f"this letter has {len(words)} words", hint)
    if sum("?" in paragraph for paragraph in paragraphs) > 1:
        report.warn(_heading(step), "this letter asks for two things", "ask for one, and keep the other for later")
    if found := _EMPTY_TALK.search(" ".join(letter.split())):
        report.warn(_heading(step), f'"{found.group()}" says nothing new', "give a reason to answer")
    hers, his = _persons(words, language)
    if hers >= 4 and hers > 2 * his:
        text = f"this letter speaks {hers} times of yourself and {his} times of the reader"
        report.warn(_heading(step), text, "begin sentences with the reader")


def _persons(words: list[str], language: str) -> tuple[int, int]:
    """How often the writer and the reader are named; 0 and 0 in a language in which verbs alone can do it."""
    hers, his = (set(each.split()) for each in _PERSONS.get(language.partition("-")[0], ("", "")))
    return sum(word in hers for word in words), sum(word in his for word in words)


def _heading(step: Step) -> Piece:
    return Piece(text=f"{STEP} {step.word}", line=step.line)
