"""The one place where errors end: each becomes a sentence on standard error and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable

import click

from inboxagent.errors import InboxagentError

INTERRUPTED = 130
FAULT = 70


def guard(command: Callable[[], object], *, debug: Callable[[], bool]) -> int:
    """Run a command; returns its exit code, whatever happens in it. `debug` is asked when something unforeseen did."""
    try:
        code = command()
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
    except BrokenPipeError:
        return _nobody_listens()
    except Exception as error:  # noqa: BLE001 our own fault, whatever it is
        return _fault(error, debug())


def _misused(error: click.ClickException) -> int:
    _tell(f"inboxagent: {error.format_message()}")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        _tell(f"{error.ctx.get_usage()}\nMore: {error.ctx.command_path} --help")
    return error.exit_code


def _nobody_listens() -> int:
    """Whoever read our output has gone, `head` for one; Python would complain once more when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _fault(error: Exception, debug: bool) -> int:
    """The text of the error stays in the traceback: it may hold what is nobody's business."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__} in {os.path.basename(last.filename)}, line {last.lineno}"
    if debug:
        _tell("".join(traceback.format_exception(error)))
        _tell(f"inboxagent: this is a fault of ours: {what}")
    else:
        _tell(f"inboxagent: this is a fault of ours: {what}; please report it with {_keep(error)}")
    return FAULT


def _keep(error: Exception) -> str:
    import tempfile  # costly, and seldom needed

    try:
        descriptor, name = tempfile.mkstemp(prefix="inboxagent-fault-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return "what --debug says"
    return name


def _tell(text: str) -> None:
    click.echo(text.encode("utf-8", "replace").decode(), err=True)
