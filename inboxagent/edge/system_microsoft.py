"""Access tokens of Microsoft 365: the log-in by a code in the browser (RFC 8628), and tokens from it ever after.

What Microsoft hands out lies in a file of its own (mode 0600), as the library msal, which an extra installs, writes it.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from inboxagent.edge.system_state import make_state, write_whole
from inboxagent.errors import ConfigError, LoginRefused, StateUnwritable, Unreachable

SCOPES = ("https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send")
PATIENCE = 20.0  # seconds for one answer of the log-in server
AGAIN = "log in again with: inboxagent auth login"


class MicrosoftToken:
    """A token for one mailbox, called with one that a server has just refused, if any."""

    def __init__(self, client_id: str, authority: str, username: str, kept: Path) -> None:
        """`kept` is the file; nothing is asked yet."""
        self._client_id = client_id
        self._authority = authority
        self._username = username
        self._kept = kept

    def __call__(self, refused: str = "") -> str:
        """A token with five minutes to live at least; msal asks for a new one where the kept one has less.

        Raises LoginRefused where she has to log in again, Unreachable, ConfigError.
        """
        with _alone(self._kept.with_suffix(".lock")), self._application() as application:
            known = application.get_accounts(self._username)
            if not known:
                raise LoginRefused(f"nobody has logged in for {self._username} yet; {AGAIN}")
            answer = application.acquire_token_silent_with_error(
                list(SCOPES), account=known[0], force_refresh=bool(refused)
            )
            return _token(answer or {"error": "no answer"})

    def log_in(self, show: Callable[[str, str], None]) -> None:
        """`show` the address to open and the code to type there, wait for her, and keep what comes of it.

        Raises LoginRefused, Unreachable, ConfigError.
        """
        with self._application(anew=True) as application:
            flow = application.initiate_device_flow(list(SCOPES))
            if "user_code" not in flow:
                raise LoginRefused(f"{self._authority} gives no code: {_words(flow)}")
            show(str(flow["verification_uri"]), str(flow["user_code"]))
            answer = application.acquire_token_by_device_flow(flow)
            _token(answer)
            who = str(answer.get("id_token_claims", {}).get("preferred_username", self._username))
            if who.lower() != self._username.lower():
                raise LoginRefused(f"that was the log-in of {who}; the mailbox is {self._username}'s")

    @contextmanager
    def _application(self, *, anew: bool = False) -> Iterator[Any]:
        """msal over the file, or over nothing if `anew`; what changed is kept where no error ends it."""
        msal = _msal()
        make_state(self._kept.parent)
        cache = msal.SerializableTokenCache()
        if self._kept.exists() and not anew:
            cache.deserialize(self._kept.read_text())
        with _explained(self._authority):
            yield msal.PublicClientApplication(
                self._client_id,
                authority=self._authority,
                token_cache=cache,
                instance_discovery=False,  # her configuration names the server; no other is asked
                timeout=PATIENCE,
            )
        if cache.has_state_changed:
            write_whole(self._kept, cache.serialize().encode())


def _msal() -> ModuleType:
    try:
        import msal  # optional, and costly
    except ImportError:
        raise ConfigError("[microsoft] needs the extra: pipx install 'inboxagent[microsoft]'") from None
    return msal  # type: ignore[no-any-return]  # it has no types


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """A refresh token may be good for one use: two processes at a time would log each other out."""
    try:
        make_state(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateUnwritable(f"{path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _explained(authority: str) -> Iterator[None]:
    """The library's errors as ours; their texts are not kept, for they may carry what was sent."""
    try:
        yield
    except OSError as error:  # those of requests are OSErrors
        raise Unreachable(f"{authority} cannot be asked for an access token: {type(error).__name__}") from None
    except ValueError as error:
        raise ConfigError(f"{authority} is no log-in server, or not for this tenant: {type(error).__name__}") from None


def _token(answer: dict[str, Any]) -> str:
    if "access_token" not in answer:
        raise LoginRefused(f"Microsoft gives no access token: {_words(answer)}; {AGAIN}")
    return str(answer["access_token"])


def _words(answer: dict[str, Any]) -> str:
    return f"{answer.get('error', 'no answer')} {str(answer.get('error_description', '')).split(chr(10), 1)[0]}".strip()
