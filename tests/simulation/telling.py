"""What happened in a month, with the one person whom it is about."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


def story(world: "World") -> Iterator[str]:
    """What happened with the person of the first violation, one event a line."""
    name = world.judge.violations[0].person if world.judge.violations else ""
    rows: list[tuple[float, str]] = []
    for person in world.people:
        if name and person.name == name:
            rows += [
                (each.visible_at or 0.0, f"{each.truth} {each.message_id} comes, lies in {sorted(each.lies_in)}")
                for each in person.posts
            ]
            rows += [(at, "she writes to him herself") for at in world.judge.hers[person.number]]
    for key, record in world.judge.records.items():
        if not name or record.person.name != name:
            continue
        rows += [(at, f"the dot of `{step}`") for at, step in record.dots]
        rows += [(at, f"`{step}` is accepted") for at, step in record.taken]
        conversation = world.disk.contents.conversations.get(key)  # an old backup may have lost it
        for event in conversation.events if conversation else ():
            at = (event.at - world.timeline.epoch).total_seconds()
            rows.append((at, f"{key} {event.word} {event.step or ''} {event.message_id or ''}: {event.because}"))
    for at, text in sorted(rows):
        when = world.timeline.epoch + timedelta(seconds=at)
        yield f"{when:%a %d %b %H:%M:%S} ({at:.1f}) {text}"
