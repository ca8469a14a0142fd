"""Which code a spec stands for: a digest of the sources of what is named by file or by module.

What is found by a registered name comes with a package, whose version says what it does; a file is
edited. Comments and blank lines do not count, and neither does where the file lies.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from .text import Spec

_digests: dict[Path, str] = {}
"""By file, as it was when this process first asked: a module that is loaded stays as it is."""


def source_digest(file: Path) -> str:
    """The digest of a file and of the local modules that it imports, as they are loaded here."""
    file = file.resolve()
    if file not in _digests:
        _digests[file] = fresh_digest(file)
    return _digests[file]


def fresh_digest(file: Path) -> str:
    """The same digest, of what the files hold now; empty where there is no such file."""
    digest = blake2b(digest_size=8)
    found: dict[Path, str] = {}
    _collect(file, file.parent, found)
    for path in sorted(found):
        name = path.relative_to(file.parent).as_posix() if path != file else ""
        digest.update(f"{name}\0{found[path]}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest() if found else ""


def code_of(*specs: Spec | str) -> dict[str, str]:
    """The digest of every file that the specs name, also inside each other, by the file's name."""
    found: dict[str, set[str]] = {}
    for spec in specs:
        for name in _names(Spec.parse(spec) if isinstance(spec, str) else spec):
            if file := _file_of(name):
                found.setdefault(file.name, set()).add(source_digest(file))
    return {name: "+".join(sorted(digests)) for name, digests in sorted(found.items())}


def _names(value: object) -> Iterator[str]:
    if isinstance(value, Spec):
        yield value.name
        for option in value.options.values():
            yield from _names(option)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _names(item)


def _file_of(name: str) -> Path | None:
    """The file behind `path/to/file.py:Class` or `module:Class`; None for what a package holds."""
    where, _, _ = name.rpartition(":")
    if where.endswith(".py"):
        return Path(where) if Path(where).is_file() else None
    if where.partition(".")[0].startswith(__name__.partition(".")[0]):
        return None  # ours, and versioned
    file = getattr(sys.modules.get(where), "__file__", None)
    return Path(file) if file and file.endswith(".py") else None


def _collect(file: Path, top: Path, found: dict[Path, str]) -> None:
    """Add the code of a file, and of what it imports from `top` or from its own folder."""
    if file in found or not file.is_file():
        return
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    found[file] = _code(text)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        for folder, name in _imports(node, file, top):
            for depth in range(1, len(parts := name.split(".")) + 1):
                place = folder.joinpath(*parts[:depth])
                _collect(place.with_name(f"{place.name}.py"), top, found)
                _collect(place / "__init__.py", top, found)


def _imports(node: ast.AST, file: Path, top: Path) -> Iterator[tuple[Path, str]]:
    """Folders, and the dotted names that a statement may import from them."""
    if isinstance(node, ast.Import):
        yield from ((top, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        folder = top
        for _ in range(node.level):
            folder = file.parent if folder is top else folder.parent
        if folder != top and top not in folder.parents:
            return
        names = [".".join(filter(None, (node.module, alias.name))) for alias in node.names]
        yield from ((folder, name) for name in names if not name.endswith("*"))
        if node.module:
            yield folder, node.module


def _code(text: str) -> str:
    """A source without comments and blank lines; as it is where it cannot be read."""
    lines = text.splitlines(keepends=True)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return text
    for token in tokens:
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    for token in tokens:
        row = token.start[0]
        if token.type == tokenize.NL and row <= len(lines) and not lines[row - 1].strip():
            lines[row - 1] = ""
    return "".join(lines)
