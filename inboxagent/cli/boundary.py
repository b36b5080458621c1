"""The one place where errors end: each becomes a sentence on standard error and an exit code."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from inboxagent.errors import InboxagentError, StateUnwritable

INTERRUPTED = 130
FAULT = 70


class PipeBroken(Exception):  # noqa: N818 it is what happened
    """A BrokenPipeError on its way to `guard`: of one that it knows, click would say nothing and end with 1."""

    def __init__(self, error: BrokenPipeError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def unswallowed() -> Iterator[None]:
    """Hide a broken pipe from click."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeBroken(error) from error


def guard(command: Callable[[], object], *, debug: Callable[[], bool]) -> int:
    """Run a command; returns its exit code, whatever happens in it. `debug` is asked when something unforeseen did."""
    try:
        code = command()
        if sys.stdout is not None:  # none where it is closed
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        return _misused(error)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except InboxagentError as error:
        _tell(f"inboxagent: {error}")
        return error.exit_code
    except PipeBroken as broken:
        return _unwritten(broken.error, debug())
    except OSError as error:
        return _unwritten(error, debug())
    except Exception as error:  # noqa: BLE001 our own fault, whatever it is
        return _fault(error, debug())


def _misused(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _tell(error.format_message())
        return error.exit_code
    _tell(f"inboxagent: {error.format_message()}")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        _tell(f"{error.ctx.get_usage()}\nMore: {error.ctx.command_path} --help")
    return error.exit_code


def _unwritten(error: OSError, debug: bool) -> int:
    """An answer that could not be written. Where its reader has gone, `head` for one, he had seen enough."""
    import traceback  # costly, and seldom needed

    if traceback.extract_tb(error.__traceback__)[-1].filename not in (click.utils.__file__, __file__):
        return _fault(error, debug)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would complain once more when it flushes at its end
    if isinstance(error, BrokenPipeError):
        return 0
    _tell(f"inboxagent: the answer cannot be written: {error.strerror}")
    return StateUnwritable.exit_code


def _fault(error: Exception, debug: bool) -> int:
    """The text of the error stays in the traceback: it may hold what is nobody's business."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__} in {os.path.basename(last.filename)}, line {last.lineno}"
    if debug:
        _tell("".join(traceback.format_exception(error)))
        _tell(f"inboxagent: this is a fault of ours: {what}")
    else:
        _tell(f"inboxagent: this is a fault of ours: {what}; please report it with {_keep(error)}")
    return FAULT


def _keep(error: Exception) -> str:
    import tempfile
    import traceback

    try:
        descriptor, name = tempfile.mkstemp(prefix="inboxagent-fault-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return "what --debug says"
    return name


def is_journal(descriptor: int) -> bool:
    """Whether what is written there goes to a journal (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _tell(text: str) -> None:
    if is_journal(2):  # each line has a priority of its own there: sd-daemon(3), SD_ERR
        text = "\n".join(f"<3>{line}" for line in text.split("\n"))
    try:
        click.echo(text.encode("utf-8", "replace").decode(), err=True)
    except OSError:  # nobody is left to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
