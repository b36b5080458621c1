"""`suppress`, `forget`, `export`: who is never written to again, and what is kept about a person."""

from typing import Any

import click

from inboxagent.cli.change import hers
from inboxagent.cli.composition import Composition, compose
from inboxagent.cli.documents import conversation_document
from inboxagent.cli.options import config_option, json_option
from inboxagent.cli.paper import plain, require_agreement, say, say_json
from inboxagent.edge.system_lock import is_held
from inboxagent.edge.system_state import find_set_aside, remove_set_aside
from inboxagent.errors import Refused, UsageError
from inboxagent.mail.headers import is_one_of
from inboxagent.outreach.company import company
from inboxagent.outreach.erasure import Person, is_named, person_of
from inboxagent.outreach.events import Word, to_json
from inboxagent.outreach.model import Me
from inboxagent.outreach.state import Conversation


@click.command("suppress")
@click.argument("whom", metavar="ADDRESS|DOMAIN")
@click.option("--because", default="she wants it so", metavar="WORDS", help="Why, for `why` and `enroll` to say.")
@config_option
@json_option
def suppress_command(whom: str, because: str, config: str | None, as_json: bool) -> None:
    """Never write to an address, or to anybody at a domain, again; it cannot be taken back."""
    entry = _entry(whom)
    composition = compose(config)
    _refuse_her(composition.config.me, entry)
    because, stopped = _suppress(composition, entry, because)
    if as_json:
        say_json({"suppressed": entry, "because": because, "stopped": stopped})
        return
    whose = f"anybody at {entry[1:]}" if entry.startswith("@") else entry
    say(f"Nothing is ever sent to {plain(whose)} again: {plain(because)}.")
    if stopped:
        say(f"Stopped: {', '.join(stopped)}.")


def _suppress(composition: Composition, entry: str, because: str) -> tuple[str, list[str]]:
    """The reason, which is that of the first time, and the conversations that are stopped by it."""
    with composition.store.transaction("she suppresses somebody", urgent=True) as ledger:
        known = ledger.suppression(entry)
        if known is None:
            ledger.suppress(entry, because)
        because = known or because
        stopped = [each.id for each in ledger.conversations() if _goes_to(each, entry)]
        event = hers(Word.SUPPRESSED, composition.clock.now(), f"never to be written to: {because}")
        for name in stopped:
            ledger.append(name, event)
    return because, stopped


def _entry(whom: str) -> str:
    """An address, or `@domain`, lower-case. Raises UsageError, Refused."""
    local, _, domain = whom.strip().lower().rpartition("@")
    if "." not in domain.strip(".") or not domain.isprintable() or " " in whom.strip():
        raise UsageError(f'"{whom}" is neither an address nor a domain')
    if not local and company(f"somebody@{domain}") is None:
        raise Refused(f"{domain} is a public mail provider, where everybody may have an address; say whose you mean")
    return f"{local}@{domain}"


def _refuse_her(me: Me, entry: str) -> None:
    """Raises Refused where it is an address or a domain of hers: nobody means that, and it stands for ever."""
    domains = {f"@{each.rpartition('@')[2]}" for each in me.addresses}
    if is_one_of(entry, me.addresses) or entry in domains:
        whose = "your own domain" if entry in domains else "an address of yours"
        raise Refused(
            f"{plain(entry.removeprefix('@'))} is {whose}, as [me] in the configuration has it; say whom you mean"
        )


def _goes_to(conversation: Conversation, entry: str) -> bool:
    """Whether he is, or may be, written to there, and could be again."""
    his = conversation.addresses
    there = entry in his or (entry.startswith("@") and any(each.endswith(entry) for each in his))
    return there and not conversation.final


@click.command("forget")
@click.argument("address", metavar="ADDRESS")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@config_option
@json_option
def forget_command(address: str, dry_run: bool, yes: bool, config: str | None, as_json: bool) -> None:
    """Erase all that is kept about a person; that he is never written to again stays, as a keyed hash, and for the
    limits the bare times of the last week's letters to him."""
    composition = compose(config)
    _refuse_her(composition.config.me, _address(address))
    person = person_of(_address(address), composition.store.conversations())
    known = _known(composition, person)
    counted = {name: len(known[name]) for name in ("conversations", "named_in", "set_aside")}
    whose, others = plain(", ".join(sorted(person.addresses))), _several(counted["named_in"], "other")
    what = (
        f"{whose}: {_several(counted['conversations'], 'conversation')}, his name in {others}, "
        f"{_several(counted['set_aside'], 'message')} set aside"
    )
    if not dry_run:
        if not yes:
            require_agreement(f"{what}. Erase this for good?")
        _forget(composition, person)
    if as_json:
        say_json({"addresses": sorted(person.addresses), **counted, "forgotten": not dry_run})
    elif dry_run:
        say(f"{what}. Nothing was erased.")
    else:
        say(f"{what}: erased. He is never written to again. Your mailboxes were not touched.")


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _forget(composition: Composition, person: Person) -> None:
    """Raises Refused while a letter to him is on the wire."""
    from inboxagent.outreach.forgotten import LETTERS, with_those_of

    with composition.store.transaction("she has somebody forgotten") as ledger:
        person = person_of(min(person.addresses), ledger.conversations())  # he may have been enrolled meanwhile
        his = [each for each in ledger.conversations() if each.addresses & person.addresses]
        sending = [each.id for each in his if each.pending is not None and not each.uncertain]
        if sending and is_held(composition.lock_path):
            raise Refused(f"a letter of {sending[0]} is being sent this very moment; try again in a minute")
        ledger.remember(LETTERS, with_those_of(his, ledger.fact(LETTERS), composition.clock.now()))
        ledger.erase(person)
    for path in find_set_aside(composition.config.state, person.addresses):
        remove_set_aside(path)


def _address(words: str) -> str:
    address = words.strip().lower()
    if not all(address.partition("@")):
        raise UsageError(f'"{words}" is no address')
    return address


@click.command("export")
@click.argument("address", metavar="ADDRESS")
@config_option
@json_option
def export_command(address: str, config: str | None, as_json: bool) -> None:
    """Everything that is kept about a person, as JSON (with or without --json)."""
    composition = compose(config)
    person = person_of(_address(address), composition.store.conversations())
    known = _known(composition, person)
    if not any(known.values()):
        raise Refused(f"nothing is kept about {address}")
    say_json({"address": address, "addresses": sorted(person.addresses), **known})


def _known(composition: Composition, person: Person) -> dict[str, Any]:
    """What is kept about him: his conversations with all their events, whoever else's name him, and what else."""
    store = composition.store
    everybody = store.conversations()
    his = [each for each in everybody if each.addresses & person.addresses]
    others = [each for each in everybody if each not in his]
    named = {each.id: [event for event in map(to_json, each.events) if is_named(event, person)] for each in others}
    suppressions = {each: because for each in person.addresses if (because := store.suppression(each)) is not None}
    return {
        "suppressed": suppressions,
        "conversations": [
            {
                **conversation_document(each, composition.next_of(each)),
                "fields": dict(each.enrolment.prospect.fields),
                "events": [to_json(event) for event in each.events],
            }
            for each in his
        ],
        "named_in": [{"id": name, "events": events} for name, events in named.items() if events],
        "set_aside": [str(path) for path in find_set_aside(composition.config.state, person.addresses)],
    }
