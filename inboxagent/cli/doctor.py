"""`doctor`: whether everything is as it should be, what to do where it is not, and the repair of a damaged journal."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

import click

from inboxagent.cli import doctor_clock, doctor_mail, doctor_send, doctor_state
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.diagnosis import Diagnosis, Grade
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import fact, plain, say, say_json, tell

CHECKS: tuple[Callable[[Composition], Iterator[Diagnosis]], ...] = (
    doctor_state.folder,
    doctor_state.file_system,
    doctor_state.room,
    doctor_state.ownership,
    doctor_state.journal,
    doctor_mail.rules,
    doctor_clock.clock,
    doctor_mail.imap,
    doctor_mail.smtp,
    doctor_mail.domain,
)
"""In the order in which they are made and shown."""


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Save what is whole of a damaged journal, without asking.")
@click.option("--send", is_flag=True, help="Send a letter to yourself, and learn what your server does with letters.")
@config_option
@json_option
def doctor_command(repair: bool, send: bool, config: str | None, as_json: bool) -> int:
    """Look at everything once: state, rules, log-ins, mailboxes, your domain. Exit code 0 if nothing is wrong, else 1.

    A damaged state is offered to be repaired.
    """
    composition = compose(config)
    found = _examine(composition)
    if send:
        found += _send(composition)
    if not as_json:
        _say(composition, found)
    if (damage := doctor_state.find_losses(composition)) is not None:
        _preview(damage)
        if repair or (not as_json and _agreed()):
            aside = doctor_state.mend(composition)
            tell(f"Done. The damaged journal is kept as {aside}. The brake is on: compare `inboxagent list` with your")
            tell("Sent mailbox, then: inboxagent release --brake")
            found = _examine(composition)
        else:
            tell("To save the rest: inboxagent doctor --repair")
    elif repair:
        tell("There is nothing to repair.")
    if as_json:
        say_json([asdict(each) for each in found])
    return 1 if any(each.grade is Grade.PROBLEM for each in found) else 0


def _examine(composition: Composition) -> list[Diagnosis]:
    return [diagnosis for check in CHECKS for diagnosis in check(composition)]


def _send(composition: Composition) -> list[Diagnosis]:
    tell("Sending a letter to yourself, and waiting for it …")
    return doctor_send.send(composition)


def _say(composition: Composition, found: list[Diagnosis]) -> None:
    say(composition.config.me.address)
    for each in found:
        say(fact(each.about, each.says if each.grade is Grade.OK else f"{each.grade}: {each.says}"))
        if each.remedy:
            say(fact("", each.remedy))


def _preview(losses: doctor_state.Losses) -> None:
    tell(f"Of conversations {losses.conversations} can be saved, of suppressions {losses.suppressions}. What is lost:")
    for damage in losses.places:
        tell(f"  line {damage.line} (byte {damage.offset}): {plain(damage.text)}")
    tell("A backup that is newer than the damage is better: put it back instead. Nothing has been changed so far.")


def _agreed() -> bool:
    """Whether she says yes; nobody is asked without a terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    return click.confirm("Save the rest, and keep the damaged journal aside?", default=False, err=True)
