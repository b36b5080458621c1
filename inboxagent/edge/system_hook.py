"""Commands of hers that are told something as JSON on standard input."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

PATIENCE = 60.0  # seconds


async def run_hook(words: tuple[str, ...] | str, document: Mapping[str, object], patience: float = PATIENCE) -> str:
    """Run the command, a string in the shell; what went wrong, in words, or an empty text. Never raises."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.DEVNULL}
    pipes["stderr"] = asyncio.subprocess.DEVNULL  # what it says is not ours to log
    try:
        if isinstance(words, str):
            process = await asyncio.create_subprocess_shell(words, **pipes)  # type: ignore[arg-type]
        else:
            process = await asyncio.create_subprocess_exec(*words, **pipes)  # type: ignore[arg-type]
    except OSError as error:
        return f"it cannot be started: {error.strerror}"
    try:
        async with asyncio.timeout(patience):
            await process.communicate(json.dumps(document).encode())
    except TimeoutError:
        return f"it did not end within {patience:g} s"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return "" if process.returncode == 0 else f"it ended with {process.returncode}"
