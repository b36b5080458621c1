"""Access tokens of OAuth 2.0 from a command: kept while they live, asked for anew before they expire."""

import json
import re
import threading
from collections.abc import Callable

from inboxagent.errors import ConfigError

EARLY = 300.0
"""Seconds before its end at which a token is not used for a log-in any more."""

_TOKEN = re.compile(r"[\x21-\x7e]+")  # RFC 6749, A.12, without the space


class CommandToken:
    """The token that a command prints, called with one that a server has just refused, if any.

    What is printed is the bare token, which is then asked for at each log-in, or the JSON object of RFC 6749, 5.1,
    whose `expires_in` says how long it is kept. Raises ConfigError.
    """

    def __init__(self, run: Callable[[], bytes], boot: Callable[[], float]) -> None:
        """`run` runs the command, `boot` tells the seconds of a clock that never goes back."""
        self._run = run
        self._boot = boot
        self._turn = threading.Lock()
        self._token = ""
        self._until = float("-inf")

    def __call__(self, refused: str = "") -> str:
        """A token with some minutes to live; may block while the command runs."""
        with self._turn:
            if self._token in ("", refused) or self._boot() >= self._until:
                self._token, seconds = read_token(self._run())
                self._until = self._boot() + seconds - EARLY
            return self._token


def read_token(output: bytes) -> tuple[str, float]:
    """The token in what a command printed, and how many seconds it lives; 0 where that is not said."""
    text = output.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        return _checked(text.split("\n", 1)[0].strip()), 0.0
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}  # not inside the handler: the exception carries the text
    seconds = answer.get("expires_in", 0)
    return _checked(str(answer.get("access_token", ""))), float(seconds) if isinstance(seconds, int | float) else 0.0


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise ConfigError(
            "the token command printed no access token; it prints the token alone, "
            'or JSON with "access_token" and "expires_in"'
        )
    return token
