"""`enroll`: find the thread, judge what came since, and say what will happen when."""

import asyncio
import difflib

import click

from inboxagent.agent.enrolment import enroll
from inboxagent.agent.wish import Wish
from inboxagent.cli.calendar import ahead_of, say_calendar
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document
from inboxagent.cli.finding import find
from inboxagent.cli.look import who
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import plain, say, say_json, tell, when
from inboxagent.config.checks import address as check_address
from inboxagent.edge.system_lock import is_held
from inboxagent.errors import Refused, RuleError, UsageError
from inboxagent.outreach.model import Prospect
from inboxagent.outreach.phrases import TONES
from inboxagent.outreach.sequence import Sequence
from inboxagent.outreach.state import Conversation, State
from inboxagent.outreach.waits import FASTEST, SLOWEST

NOBODY = "nobody@nowhere.invalid"  # stands in until the rows of a table name people


@click.command("enroll")
@click.argument("sequence")
@click.argument("address", required=False)
@click.option("--subject", metavar="WORDS", help="The thread whose subject has these words; with --new, its subject.")
@click.option("--message-id", metavar="ID", help="The thread with this message.")
@click.option("--newest", is_flag=True, help="The newest thread, where several fit.")
@click.option("--new", is_flag=True, help="There is no thread yet: the first step opens one.")
@click.option("--field", "fields", metavar="NAME=VALUE", multiple=True, help="A fact that letters use; repeatable.")
@click.option("--tone", metavar="TONE", help="formal, polite, warm, relaxed or brief, for this person.")
@click.option("--pace", metavar="NUMBER", help="1.5 makes every wait half as long again, for this person.")
@click.option("--start", metavar="STEP", help="Begin with this step.")
@click.option("--instead-of", metavar="ID", help="He takes the place of the person in this conversation, which ends.")
@click.option("--csv", "csv_file", metavar="FILE", help="Everybody in a table with a column for the address.")
@click.option("--skip-bad", is_flag=True, help="With --csv: leave out the rows that cannot be enrolled.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@config_option
@json_option
def enroll_command(
    sequence: str,
    address: str | None,
    subject: str | None,
    message_id: str | None,
    newest: bool,
    new: bool,
    fields: tuple[str, ...],
    tone: str | None,
    pace: str | None,
    start: str | None,
    instead_of: str | None,
    csv_file: str | None,
    skip_bad: bool,
    dry_run: bool,
    config: str | None,
    as_json: bool,
) -> None:
    """Follow up the thread with ADDRESS, or of everybody in a table, after the rules of SEQUENCE, until he answers."""
    if (address is None) == (csv_file is None):
        raise UsageError("say whom to enrol: an address, or --csv FILE")
    if skip_bad and csv_file is None:
        raise UsageError("--skip-bad goes with --csv")
    if new and (message_id or newest):
        raise UsageError("--new opens a thread of its own, so --message-id and --newest do not go with it")
    if instead_of and csv_file is not None:
        raise UsageError("--instead-of is for one person, not for --csv")
    composition = compose(config)
    composition.keeps_rules = not dry_run
    wish = Wish(
        sequence=_sequence(composition, sequence),
        prospect=prospect_of(address or NOBODY, _fields(fields)),
        subject=subject,
        message_id=_message_id(message_id),
        newest=newest,
        new=new,
        start=start,
        tone=read_tone(tone),
        pace=read_pace(pace),
        instead_of=find(composition.store.conversations(), instead_of).id if instead_of else None,
    )
    if csv_file is not None:
        from inboxagent.cli.enroll_many import enroll_many

        enroll_many(composition, wish, csv_file, skip_bad=skip_bad, dry_run=dry_run, as_json=as_json)
        return
    conversation = asyncio.run(_enroll(composition, wish, dry_run))
    if not dry_run:
        composition.remember_rules()
    if as_json:
        say_json(conversation_document(conversation, composition.next_of(conversation)))
    else:
        _say_enrolled(composition, conversation, dry_run)
    tell_notes(conversation, wish)
    if not as_json:
        _tell_what_next(composition, conversation, dry_run)


async def _enroll(composition: Composition, wish: Wish, dry_run: bool) -> Conversation:
    mailbox = composition.mailbox()
    try:
        account = composition.account(dry=True)  # enrolling writes no letter
        return await enroll(account, mailbox, composition.store, composition.clock, wish, dry_run=dry_run)
    finally:
        await mailbox.close()


def _sequence(composition: Composition, name: str) -> Sequence:
    name = name.removesuffix(".md")
    rules = composition.rulebook
    if name in rules.sequences:
        return rules.sequences[name]
    problems = [problem for problem in composition.rules.problems if f"{name}.md:" in problem]
    if problems:
        raise RuleError("\n".join([f"the rules of {name} cannot be used:", *problems]))
    near = difflib.get_close_matches(name, rules.sequences, n=1)
    known = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(rules.sequences)) or 'none'}"
    raise Refused(f'there is no sequence "{name}" in {composition.config.rules}, nor among those that ship; {known}')


def prospect_of(words: str, fields: dict[str, str]) -> Prospect:
    """Exactly the address that was written: what would have to be guessed at is refused."""
    try:
        return Prospect(address=check_address(words), name=fields.get("name", ""), fields=fields)
    except ValueError:
        raise UsageError(
            f'"{plain(words)}" is not one plain address; write it alone, like anna@prospect.example'
        ) from None


def _fields(given: tuple[str, ...]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for words in given:
        name, equals, value = words.partition("=")
        if not equals or not name.strip():
            raise UsageError(f'--field {words}: write it like --field first_name="Anna"')
        if name.strip() in fields:
            raise UsageError(f"--field {name.strip()} is given twice")
        fields[name.strip()] = value
    return fields


def read_tone(words: str | None) -> str | None:
    """One of the five tones, or none. Raises UsageError."""
    if words is None or words in TONES:
        return words
    near = difflib.get_close_matches(words.lower(), TONES, n=1)
    meant = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(TONES)}"
    raise UsageError(f'there is no tone "{plain(words)}"; {meant}')


def read_pace(words: str | None) -> float | None:
    """A number to multiply the waits with, or none. Raises UsageError."""
    if words is None:
        return None
    try:
        pace = float(words)
    except ValueError:
        pace = 0.0
    if not FASTEST <= pace <= SLOWEST:
        asked = f"write a number from {FASTEST:g} to {SLOWEST:g}; 1.5 is half as long again"
        raise UsageError(f'"{plain(words)}" is no pace; {asked}')
    return pace


def _message_id(words: str | None) -> str | None:
    """With the angle brackets that people leave out, because shells mind them."""
    return words if words is None or words.startswith("<") else f"<{words}>"


def _say_enrolled(composition: Composition, conversation: Conversation, dry_run: bool) -> None:
    now, home = composition.clock.now(), composition.home
    sequence = conversation.enrolment.sequence
    if dry_run:  # its id would be another one
        say(f"{who(conversation)} would be enrolled in {sequence}.")
    else:
        say(f"{conversation.id}  {who(conversation)} is enrolled in {sequence}.")
    latest = conversation.latest
    if latest is not None:
        touches = f"{conversation.touches} letter{'' if conversation.touches == 1 else 's'} of yours so far"
        last = conversation.enrolment.last_touch_at
        dated = f", the last one on {when(last, home, now)}" if last else ""
        say(f'  Thread "{plain(latest.subject)}", {touches}{dated}.')
    if conversation.state is State.HELD:
        say(f"  On hold: {plain(conversation.because)}.")
    coming = ahead_of(composition, conversation)
    say("  Unless he answers:" if coming else "  No letter is ahead.")
    say_calendar(composition, coming)


def tell_notes(conversation: Conversation, wish: Wish) -> None:
    """Her own words that he will read, which she may have meant for herself."""
    for name, words in conversation.enrolment.prospect.fields.items():
        field = wish.sequence.fields.get(name)
        if field is not None and field.noted and not wish.prospect.fields.get(name, "").strip():
            his = f'{who(conversation)} will read, as {name}, what you noted: "{plain(words)}"'
            tell(f"{his} (--field {name}=… says something else)")


def _tell_what_next(composition: Composition, conversation: Conversation, dry_run: bool) -> None:
    if dry_run:
        tell("This was a dry run: nothing was written, nothing is enrolled.")
        return
    tell(f"The letters: inboxagent preview {conversation.id}")
    if not is_held(composition.lock_path):
        tell("No daemon is running, so nothing goes out until you start one: inboxagent run")
