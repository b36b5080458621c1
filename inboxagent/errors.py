"""What can end a command, a cycle or the process: each carries its own text and its exit code (sysexits)."""


class InboxagentError(Exception):
    """Something a person has to know; `str(error)` is one clear sentence, `exit_code` the agreement with systemd."""

    exit_code = 70


class Refused(InboxagentError):
    """The wish cannot be granted: not found, several fit, suppressed, answered, enrolled already, a field missing."""

    exit_code = 1


class UsageError(InboxagentError):
    """The command's words are wrong: an unknown field, an impossible value."""

    exit_code = 2


class RuleError(InboxagentError):
    """A rule file is wrong; the text lists every problem with its place."""

    exit_code = 65


class Unreachable(InboxagentError):
    """A server is away, silent or talks nonsense; what was asked of it is not known to have happened.

    `retry_after` are the seconds for which the server itself has asked to be left alone.
    """

    exit_code = 69

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class StateUnwritable(InboxagentError):
    """The state cannot be written: no space, no permission, no directory."""

    exit_code = 73


class StateDamaged(InboxagentError):
    """The state cannot be trusted: unreadable, of a newer version, or an fsync failed. Never repaired by guessing."""

    exit_code = 74


class TryLater(InboxagentError):
    """Somebody else holds what is needed; the text says who."""

    exit_code = 75


class LoginRefused(InboxagentError):
    """The server refused the log-in. Never tried again by itself: repeated failures lock accounts."""

    exit_code = 77


class ConfigError(InboxagentError):
    """The configuration is wrong; the text lists every problem with its place."""

    exit_code = 78


NEED_HER = frozenset(each.exit_code for each in (RuleError, StateDamaged, LoginRefused, ConfigError))
"""What another try would not mend; systemd/*.service name the same codes."""
