"""What a disk may do to a file."""

from __future__ import annotations

from pathlib import Path


def flip(file: Path) -> None:
    """One bit is another one."""
    data = bytearray(file.read_bytes())
    data[len(data) * 6 // 10] ^= 16
    file.write_bytes(data)


def cut(file: Path) -> None:
    """The second half is lost."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
