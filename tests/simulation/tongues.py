"""What people say, in the languages they do business in: the message files of the classifier's own tests."""

from datetime import datetime
from random import Random

from inboxagent.mail.classify import Kind
from inboxagent.mail.inbound import parse
from tests.mail.test_speakers import FILES

_BACK = (
    "I am away and back in the office on {back:%d} {back:%B} {back:%Y}.",
    "Ich bin nicht im Büro und ab dem {back:%d.%m.%Y} wieder erreichbar.",
    "Je suis absent et de retour au bureau le {back:%d/%m/%Y}.",
    "Estoy fuera de la oficina y vuelvo el {back:%d/%m/%Y}.",
    "Jag är bortrest och åter på kontoret den {back:%Y-%m-%d}.",
)
_AWAY = (
    "I am away for a while.",
    "Ich bin zurzeit nicht im Büro.",
    "Je suis actuellement absent du bureau.",
    "Ik ben momenteel afwezig.",
)


def _spoken(kind: Kind) -> tuple[str, ...]:
    return tuple(
        parse(each.raw).text + "\n"
        for messages in FILES.values()
        for each in messages
        if each.kind is kind and not each.day
    )


ANSWERS = tuple(text for text in _spoken(Kind.REPLY) if "Mañana le confirmo" not in text)  # which is a promise
STOPS = _spoken(Kind.UNSUBSCRIBE)


def answer(random: Random) -> str:
    """What a person writes who answers."""
    return random.choice(ANSWERS)


def stop(random: Random) -> str:
    """What a person writes who wants no more mail."""
    return random.choice(STOPS)


def absence(random: Random, back: datetime | None) -> str:
    """The text of a vacation responder, with the day of the return where it names one."""
    return random.choice(_AWAY) if back is None else random.choice(_BACK).format(back=back)
