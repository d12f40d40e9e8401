"""Files that must survive a crash, and that only their owner reads."""

import os
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)


def write_private(path: Path, data: bytes) -> None:
    """A whole file, on the disk when this returns, or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(path.name + ".new")
    _write(temporary, os.O_TRUNC, data)
    temporary.replace(path)


def append_line(path: Path, line: bytes) -> None:
    """One more line, on the disk when this returns."""
    _write(path, os.O_APPEND, line + b"\n")


def whole_lines(path: Path, torn: Path | None = None) -> list[bytes]:
    """The lines that `append_line` finished. One that was being written when the machine stopped is taken out of the
    file, and put into `torn` where that is given."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        if torn is not None:
            torn.write_bytes(data[end:])
        with path.open("r+b") as file:
            file.truncate(end)
    return data[:end].splitlines()


def _write(path: Path, how: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how | _BINARY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
