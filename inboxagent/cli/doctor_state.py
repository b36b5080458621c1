"""What `doctor` looks at in the state folder, without opening the store: it must work where the store does not."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inboxagent.cli.composition import Composition
from inboxagent.cli.diagnosis import Diagnosis, Grade
from inboxagent.edge.store import JournalStore, disk, file_stem, repair
from inboxagent.edge.store.ballast import SIZE as BALLAST
from inboxagent.edge.store.mounts import network_file_system
from inboxagent.edge.store.records import CONVERSATIONS, SUPPRESSIONS
from inboxagent.edge.store.repair import Damage
from inboxagent.edge.system_lock import ProcessLock
from inboxagent.errors import StateDamaged
from inboxagent.ports import REWOUND

MEGABYTE = 1_000_000
LEAST_ROOM = 20 * MEGABYTE
LITTLE_ROOM = 200 * MEGABYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What of a damaged journal can be saved, and the places where something cannot."""

    conversations: int
    suppressions: int
    places: tuple[Damage, ...]


def folder(composition: Composition) -> Iterator[Diagnosis]:
    """Whether the state folder is there and can be written."""
    state = composition.config.state
    if not state.is_dir():
        remedy = f"if there was one, put it back from your backup; else nothing: the first command makes {state}"
        yield Diagnosis(about="state", grade=Grade.WARNING, says=f"there is no folder {state}", remedy=remedy)
    elif not os.access(state, os.R_OK | os.W_OK | os.X_OK):
        says = f"{state} may not be read and written by user {os.geteuid()}"
        yield Diagnosis(about="state", grade=Grade.PROBLEM, says=says, remedy=f"chown -R {os.geteuid()} {state}")
    else:
        yield Diagnosis(about="state", grade=Grade.OK, says=f"{state}, which may be written")


def file_system(composition: Composition) -> Iterator[Diagnosis]:
    """Whether locks and renames can be trusted there."""
    kind = network_file_system(_nearest(composition.config.state))
    if kind is None:
        yield Diagnosis(about="files", grade=Grade.OK, says="on a disk of this machine")
        return
    says = f"the state is on a network file system ({kind}): locks and renames are not to be trusted there"
    remedy = "stop the daemon, move the folder to a local disk, and name that one: state = … in your configuration"
    yield Diagnosis(about="files", grade=Grade.PROBLEM, says=says, remedy=remedy)


def room(composition: Composition) -> Iterator[Diagnosis]:
    """Whether the next letter's intent will find room: without it nothing is sent."""
    status = os.statvfs(_nearest(composition.config.state))
    left = status.f_bavail * status.f_frsize
    if status.f_flag & os.ST_RDONLY:
        remedy = "mount it so that it can be written; nothing can be sent meanwhile"
        yield Diagnosis(about="disk", grade=Grade.PROBLEM, says="the file system is read-only", remedy=remedy)
        return
    grade = Grade.PROBLEM if left < LEAST_ROOM else Grade.WARNING if left < LITTLE_ROOM else Grade.OK
    advice = None if grade is Grade.OK else "free some: on a full disk nothing is sent, though `pause` and `stop` work"
    yield Diagnosis(about="disk", grade=grade, says=f"{left // MEGABYTE:,} MB are free", remedy=advice)
    path = _path(composition)
    if path.exists() and not path.with_name(path.name + ".ballast").exists():
        says = f"the {BALLAST // 1024} KB kept back for `pause` and `stop` on a full disk are used up"
        remedy = "free some room; they are put there again with the next change"
        yield Diagnosis(about="disk", grade=Grade.WARNING, says=says, remedy=remedy)


def ownership(composition: Composition) -> Iterator[Diagnosis]:
    """Whether the files are hers, and hers alone."""
    state = composition.config.state
    files = sorted(state.glob(f"{_path(composition).stem}.*")) if state.is_dir() else []
    problems = [problem for each in files if (problem := disk.owner_problem(each))]
    for problem in problems:
        remedy = f"run it as that user, or: chown {os.geteuid()} {state}/*"
        yield Diagnosis(about="owner", grade=Grade.PROBLEM, says=problem, remedy=remedy)
    open_to_others = [each for each in files if each.stat().st_mode & 0o077]
    if open_to_others:
        names = ", ".join(each.name for each in open_to_others)
        remedy = f"chmod 600 {' '.join(str(each) for each in open_to_others)}"
        yield Diagnosis(about="owner", grade=Grade.WARNING, says=f"others may read or write {names}", remedy=remedy)
    if files and not problems and not open_to_others:
        yield Diagnosis(about="owner", grade=Grade.OK, says="the files are yours alone")


def journal(composition: Composition) -> Iterator[Diagnosis]:
    """Whether every line of the journal is whole and in its place, and whether it is the newest one."""
    path = _path(composition)
    if not path.exists():
        yield Diagnosis(about="journal", grade=Grade.OK, says="nothing has been written yet")
        return
    damaged = tuple(repair.find_damage(path))
    if damaged:
        lines = ", ".join(str(each.line) for each in damaged[:10]) + (" …" if len(damaged) > 10 else "")
        remedy = "put back a copy of it that is newer than the damage, or: inboxagent doctor --repair"
        says = f"{path} is damaged at line {lines}; nothing is sent and nothing written"
        yield Diagnosis(about="journal", grade=Grade.PROBLEM, says=says, remedy=remedy)
        return
    store = JournalStore(path)
    try:
        count, rewound = len(store.conversations()), store.fact(REWOUND) is not None
    except StateDamaged as error:  # of a newer version, say
        yield Diagnosis(about="journal", grade=Grade.PROBLEM, says=str(error))
        return
    size = path.stat().st_size / MEGABYTE
    says = f"{path}: {count} conversations, {size:.1f} MB, every line is whole"
    yield Diagnosis(about="journal", grade=Grade.OK, says=says)
    if rewound:
        says = "an older copy of the state was put back, and what went out since is not in it"
        remedy = "compare `inboxagent list` with your Sent mailbox, then: inboxagent release --brake"
        yield Diagnosis(about="journal", grade=Grade.PROBLEM, says=says, remedy=remedy)


def find_losses(composition: Composition) -> Losses | None:
    """What a repair would save and lose; None where the journal is not damaged."""
    path = _path(composition)
    if not path.exists() or not repair.find_damage(path):
        return None
    rescue = repair.Rescue(path)
    return Losses(
        conversations=rescue.count(CONVERSATIONS),
        suppressions=rescue.count(SUPPRESSIONS),
        places=tuple(rescue.losses),
    )


def mend(composition: Composition) -> Path:
    """Save what is whole and put the brake on; the path under which the damaged journal is kept.

    Raises TryLater while a daemon runs, StateUnwritable.
    """
    path = _path(composition)
    aside = path.with_name(f"{path.name}.damaged-{composition.clock.now():%Y%m%dT%H%M%SZ}")
    daemon = ProcessLock(composition.lock_path)
    daemon.take()
    try:
        repair.mend(path, aside)
        store = JournalStore(path)
        with store.transaction("a repair") as ledger:
            ledger.remember(REWOUND, {"repaired": aside.name})
        store.close()
    finally:
        daemon.release()
    return aside


def _path(composition: Composition) -> Path:
    return composition.config.state / f"{file_stem(composition.config.me.address)}.journal"


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
