"""What must hold of the machine's side: of what hangs, of what goes on, and of what was told to stop."""

from tests.simulation.judge import Judge
from tests.simulation.process import Process


def i22_what_goes_on_is_left_alone(judge: Judge, process: Process) -> str | None:
    """P7: the watchdog ends no daemon whose cycles go round, however slowly; waiting for mail is no hang."""
    return "the watchdog ends a daemon that goes on, " + process.place if process.hung_at is None else None


def i22_what_hangs_is_ended(judge: Judge, process: Process) -> str | None:
    """P7: a daemon that hangs is ended within the watchdog's time."""
    return f"a daemon hangs, {process.place}, and the watchdog is fed"


def i23_it_stops_in_time(judge: Judge, process: Process) -> str | None:
    """Told to stop, a daemon ends by itself before systemd loses its patience; one that stands still cannot."""
    return None if process.frozen else f"it still runs, {process.place}, and has to be killed"
