"""What lies beside the rule files and goes with letters: her signature, and files to attach."""

import mimetypes
from functools import partial
from pathlib import Path

from inboxagent.mail.body import Attachment
from inboxagent.outreach.letter import Enclosures

SIGNATURE = "signature.txt"
_UNKNOWN = "application/octet-stream"


def enclosures_in(*folders: Path) -> Enclosures:
    """Those of the first folder that has them; read anew each time, so that an edited file counts at once."""
    return Enclosures(signature=partial(_signature, folders), attachment=partial(_attachment, folders))


def _signature(folders: tuple[Path, ...]) -> str:
    """Empty where there is none. Raises ValueError where there is one that cannot be read: no letter goes without."""
    path = folders[0] / SIGNATURE
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _attachment(folders: tuple[Path, ...], name: str) -> Attachment:
    path = next((folder / name for folder in folders if (folder / name).is_file()), folders[0] / name)
    try:
        content = path.read_bytes()
    except OSError as error:
        remedy = "put it back, or take it out of `attach:`"
        raise ValueError(f"{path}, which it attaches, cannot be read: {error.strerror}; {remedy}") from None
    kind, encoding = mimetypes.guess_type(path.name)
    return Attachment(name=path.name, media_type=kind if kind and not encoding else _UNKNOWN, content=content)
