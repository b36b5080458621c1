"""Sections 1, 2 and 4 of the hard cases as what somebody writes and what becomes of it; for the fakes and for servers.

`{him}`, `{colleague}`, `{private}`, `{m1}` (the Message-ID of her letter), `{subject}`, `{soon}` and `{later}` (days to
come) stand for what is different each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

THREADED = {"In-Reply-To": "{m1}", "References": "{m1}", "Subject": "Re: {subject}"}
AUTO = {"Auto-Submitted": "auto-replied", "Subject": "Automatic reply: {subject}"}
FOOTER = 'If you want no more mail from me, answer "unsubscribe".'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is written to her after her letter M1, and where the conversation stands then; `events` come after the
    enrolment."""

    number: int
    title: str
    text: str
    state: str
    events: tuple[str, ...] = ("reply",)
    fields: Mapping[str, str] = field(default_factory=lambda: THREADED)
    author: str = "{him}"
    because: str = ""  # stands in the reason
    goes_on: bool = False  # the next letter goes at its time

    @property
    def id(self) -> str:
        """As the tests are called."""
        return f"case {self.number}: {self.title}"


def write(case: Case, at: datetime, **known: str) -> bytes:
    """The message of a case, as it comes to Maya at this time."""
    days = {"soon": _day(at + timedelta(days=10)), "later": _day(at + timedelta(days=40))}
    fields = {
        "From": case.author,
        "To": "{her}",
        "Date": format_datetime(at),
        "Message-ID": f"<c{case.number}.{{him}}>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Subject": "Something else",
        **case.fields,
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    text = "\r\n".join([*lines, "", *case.text.splitlines(), ""])
    for name, value in {**known, **days}.items():
        text = text.replace(f"{{{name}}}", value)
    return text.encode()


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


MATCHING = (
    Case(number=1, title="an answer to her letter", text="Thank you, that suits us.", state="answered"),
    Case(
        number=2,
        title="a program that writes no References",
        text="Thank you.",
        fields={"In-Reply-To": "{m1}", "Subject": "Re: {subject}"},
        state="answered",
    ),
    Case(
        number=3,
        title="her letter in the middle of References",
        text="Thank you.",
        fields={"In-Reply-To": "<x@y.test>", "References": "<v@y.test> {m1} <x@y.test>", "Subject": "Re: it"},
        state="answered",
    ),
    Case(
        number=4,
        title="a new mail of his",
        text="By the way, are you in town?",
        fields={"Subject": "Something else"},
        state="answered",
        because="he wrote outside the thread",
    ),
    Case(
        number=5,
        title="a newsletter from his address",
        text="What is new with us.",
        fields={"List-Id": "<news.prospect.test>", "List-Unsubscribe": "<mailto:out@prospect.test>"},
        state="waiting",
        events=(),
        goes_on=True,
    ),
    Case(
        number=6,
        title="his private address",
        text="I am at home this week.",
        author="{private}",
        state="answered",
        events=("reply", "proposed"),
    ),
    Case(
        number=7,
        title="a colleague",
        text="Anne asked me to answer.",
        author="{colleague}",
        state="answered",
        because="his colleague",
    ),
    Case(
        number=10,
        title="Jane got it forwarded and writes anew",
        text="Is this still current?\n\n---- Forwarded message ----\nMessage-ID: {m1}\nFrom: Maya\n\nGood morning.",
        author="jane@elsewhere.test",
        fields={"Subject": "Fwd: {subject}"},
        state="answered",
    ),
    Case(
        number=11,
        title="she is only a blind copy",
        text="See what she wrote.",
        fields={**THREADED, "To": "boss@prospect.test"},
        state="answered",
    ),
    Case(
        number=14,
        title="another subject",
        text="Thank you.",
        fields={**THREADED, "Subject": "What we spoke of"},
        state="answered",
    ),
    Case(
        number=14,
        title="the subject alone",
        text="Thank you.",
        author="stranger@elsewhere.test",
        fields={"Subject": "Re: {subject}"},
        state="waiting",
        events=(),
        goes_on=True,
    ),
)

MACHINES = (
    Case(
        number=21,
        title="a vacation responder",
        text="I am on holiday.",
        fields={**THREADED, "Auto-Submitted": "auto-replied"},
        state="held",
        events=("auto_reply",),
    ),
    Case(
        number=22,
        title="Exchange",
        text="Ich bin nicht im Büro.",
        fields={"Auto-Submitted": "auto-generated", "Subject": "Automatische Antwort: {subject}"},
        state="held",
        events=("auto_reply",),
    ),
    Case(
        number=23,
        title="a forwarding hop",
        text="Fine with me.",
        fields={**THREADED, "X-Auto-Response-Suppress": "All"},
        state="answered",
    ),
    Case(
        number=24,
        title="nothing but a subject behind a tag",
        text="I am away.",
        fields={"Subject": "[External] Automatic reply: {subject}"},
        state="held",
        events=("auto_reply",),
    ),
    Case(
        number=25,
        title="a mail of its own",
        text="I am out of the office until {soon}.",
        fields=AUTO,
        state="held",
        events=("auto_reply",),
    ),
    Case(
        number=26,
        title="with a date of return",
        text="I am away. Back on {soon}.",
        fields={**THREADED, **AUTO},
        state="held",
        events=("auto_reply",),
        because="so held to",
    ),
    Case(
        number=27,
        title="without a date",
        text="I am out of the office.",
        fields=AUTO,
        state="held",
        events=("auto_reply",),
        because="held 7 days",
    ),
    Case(
        number=30,
        title="he has left and names Ben",
        text="I have left the company. Please contact Ben: ben@prospect.test",
        fields={**THREADED, **AUTO},
        state="stopped",
        events=("bounce", "proposed"),
    ),
    Case(
        number=31,
        title="nobody reads it",
        text="This mailbox is no longer monitored.",
        fields=THREADED,
        state="stopped",
        events=("bounce",),
    ),
    Case(
        number=32,
        title="a service desk",
        text="We have received your request. Your ticket number is #123. Do not reply to this mail.",
        fields={**THREADED, "Subject": "[#123] Re: {subject}"},
        state="waiting",
        events=("note",),
        goes_on=True,
    ),
    Case(
        number=33,
        title="he quotes her footer",
        text=f"Gladly, on Tuesday.\n\n> Shall we talk?\n> {FOOTER}",
        state="answered",
    ),
    Case(number=33, title="he was away", text="Sorry, I was out of office last week. Send it again?", state="answered"),
    Case(
        number=34,
        title="a read receipt",
        text="--x\nContent-Type: text/plain\n\nYour message was displayed.\n\n"
        "--x\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822; {him}\nOriginal-Message-ID: {m1}\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n\n--x--",
        fields={
            "Content-Type": 'multipart/report; report-type=disposition-notification; boundary="x"',
            "Subject": "Read: {subject}",
        },
        state="waiting",
        events=(),
        goes_on=True,
    ),
    Case(
        number=36,
        title="challenge and response",
        text="Your message is being held. Click here to confirm that you are a human.",
        state="held",
        events=("auto_reply",),
    ),
    Case(
        number=37,
        title="a list of his company",
        text="What is new with us.",
        author="news@prospect.test",
        fields={"Precedence": "bulk", "List-Id": "<n.prospect.test>"},
        state="waiting",
        events=(),
        goes_on=True,
    ),
)

WORDS = (
    Case(number=46, title="no", text="Not interested.", state="stopped", events=("refusal",)),
    Case(number=47, title="not now", text="Not now, call me in May.", state="held", events=("not_now",)),
    Case(number=48, title="stop", text="Stop", state="stopped", events=("unsubscribe",)),
    Case(number=48, title="he only stops by", text="I'll stop by on Tuesday.", state="answered"),
    Case(
        number=49,
        title="remove me, ask my colleague",
        text="Please remove me from your list, but my colleague may like it.",
        state="stopped",
        events=("unsubscribe",),
    ),
    Case(
        number=50,
        title="a promise",
        text="Thanks, will look at it and come back next week.",
        state="held",
        events=("promise",),
    ),
    Case(number=51, title="a question", text="What does it cost?", state="answered"),
    Case(number=52, title="only a signature", text="\n-- \nAnne Moreau", state="answered"),
    Case(number=53, title="another language", text="Zoveel geld heb ik niet over.", state="answered"),
)

CASES = MATCHING + MACHINES + WORDS
