"""The instants that hurt: the last look, an enrolment, a commit that was just made. What strikes in them."""

from typing import TYPE_CHECKING

from inboxagent.outreach.events import ANSWERS
from tests.fakes.store import Contents
from tests.simulation.disk import RESULTS
from tests.simulation.imap import UNWATCHED
from tests.simulation.privacy_line import forget_him
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.weather import Weather
    from tests.simulation.world import World

HOUR = 3_600.0
DARK_AFTER = {"synced enrol": 0.02, "synced command": 0.01, "synced mail": 0.004, "synced intent": 0.002}
DARK_AFTER_RESULT = 0.006
"""How likely the power is gone within half a second of a commit: before anything else makes it durable."""
DARK_AFTER_HIS_WORD = 0.03
COPY_IS_OWED = ("synced sent", "append", "append answered")


class Instants:
    """What happens just then, as often as the weather's mood makes it."""

    def __init__(self, world: "World", weather: "Weather") -> None:
        self._world = world
        self._weather = weather
        self._seen_at_the_look: object = None
        self.bodies_are_slow_until = 0.0

    def look(self, process: Process, back: bool) -> None:
        """At the last look he answers, the mailbox is renumbered or the answer moved besides, or she pauses all."""
        weather, post_office = self._weather, self._world.post_office
        if not back:
            self._seen_at_the_look = None
            for name, strike in (("nasty answer", None), ("nasty renumber", post_office.renumber_inbox)):
                if weather.strikes(name, 0.02):
                    weather.note(f"{name} at the last look", "looking")
                    if strike:
                        strike()
                    self._seen_at_the_look = post_office.answer_now(process.writing_to)
            if weather.strikes("nasty pause", 0.01):
                weather.note("everything is paused at the last look", "looking")
                self._world.her.shell.pause_all_for(HOUR)
        elif self._seen_at_the_look and weather.strikes("nasty move", 0.5 / weather.mood):
            weather.note("moved during the last look", "looking")
            post_office.move(self._seen_at_the_look)

    def enrol(self, process: Process) -> None:
        """While she enrols him he answers, perhaps behind somebody whose message takes its time to be read."""
        weather, post_office = self._weather, self._world.post_office
        if weather.strikes("nasty enrolment", 0.004):
            weather.note("an answer during an enrolment", process.place)
            if post_office.bystander_writes(process.writing_to):
                self.bodies_are_slow_until = self._world.timeline.seconds + 10.0
            post_office.answer_now(process.writing_to)

    def die(self, process: Process, effect: str) -> None:
        """It died while a copy of a letter was owed to Sent: she has him forgotten before it is there again."""
        if effect not in COPY_IS_OWED or not self._weather.strikes("nasty forgetting", 0.2):
            return
        him = next((each for each in self._world.people if each.address == process.writing_to), None)
        if him is not None:
            self._weather.note("forgotten while his copy is owed", effect)
            random = self._world.surprise
            self._world.timeline.after(0.5, lambda: forget_him(self._world.her.shell, him, random))

    def pass_by(self, effect: str) -> None:
        """A commit was made: the machine sleeps between the intent and the dot, or its disk is full from then on; its
        clock is put forward while the next letter is due; it loses its power a moment later."""
        weather, timeline = self._weather, self._world.timeline
        if not effect.startswith("synced "):
            return
        if effect == "synced intent" and weather.strikes("nasty doze", 0.01):
            weather.note("asleep between intent and dot", "looking")
            timeline.doze(12.0 + HOUR * self._world.surprise.random())
        if effect == "synced intent" and weather.strikes("nasty fullness", 0.01):
            weather.note("the disk is full when the result is to be written", "looking")
            weather.fill_disk()
        if effect == "synced sent" and weather.strikes("nasty clock", 0.02):
            weather.note("clock put forward by far after a letter", "sending")
            timeline.after(self._world.surprise.uniform(0.0, 5.0), weather.put_clock_forward)
        chance = DARK_AFTER.get(effect, DARK_AFTER_RESULT if effect.removeprefix("synced ") in RESULTS else 0.0003)
        if weather.strikes("nasty power", chance):
            weather.note("power cut just after a commit", effect)
            timeline.after(self._world.surprise.uniform(0.0, 0.5), lambda: self._world.machine.crash(power=True))

    def hears(self, before: Contents, after: Contents) -> None:
        """What he says was written down. She has read it, too, and deletes it or files it where nobody looks; then the
        power is gone, before anything else makes it durable."""
        struck = [
            each for each in _his_words(before, after) if self._weather.strikes("nasty tidiness", DARK_AFTER_HIS_WORD)
        ]
        if not struck:
            return
        timeline, surprise = self._world.timeline, self._world.surprise
        tidies = surprise.random() < 0.5
        self._weather.note(f"power cut after his word{', which she has deleted' if tidies else ''}", "reading")
        if tidies:
            timeline.after(surprise.uniform(0.0, 0.2), lambda: self._put_away(struck[0]))
        timeline.after(surprise.uniform(0.2, 0.5), lambda: self._world.machine.crash(power=True))

    def _put_away(self, message_id: str) -> None:
        """It lies in no mailbox that is read any more."""
        server, post = self._world.server, self._world.judge.truth.get(message_id)
        for mailbox, _, uid in sorted(post.lies_in) if post else ():
            if self._world.surprise.random() < 0.5:
                server.remove(mailbox, uid)
            else:
                server.put(mailbox, uid, UNWATCHED)


def _his_words(before: Contents, after: Contents) -> list[str]:
    """The Message-IDs of what people have said, as far as it is new."""
    changed = [(key, each) for key, each in after.conversations.items() if before.conversations.get(key) is not each]
    seen = {key: len(before.conversations[key].events) for key, _ in changed if key in before.conversations}
    fresh = [event for key, each in changed for event in each.events[seen.get(key, 0) :]]
    return [event.message_id for event in fresh if event.word in ANSWERS and event.message_id]
