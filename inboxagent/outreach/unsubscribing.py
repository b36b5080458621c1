"""What letters offer to whoever wants no more of them, as the configuration says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribing:
    """What letters offer to whoever wants no more of them; `page` is an https address with `{token}` in it."""

    by_mail: bool = False
    page: str = ""


NOTHING_OFFERED = Unsubscribing()
