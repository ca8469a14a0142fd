"""What an object was made from, kept as a value: `name?key=value`, JSON and a registry per kind.

    Spec.parse("sec?rate=0.3&temperature=0.5")
    Spec.parse("dapo?inner=(sec?rate=0.3)&max_resamples=3")

Environments, curricula, treatments, engines and recipes are named by the same text everywhere: on
the command line, in a run's manifest, in an exported row, between processes. Standard library only.
"""

from .files import from_file, import_files, imported_files
from .registry import Registry
from .sources import code_of, source_digest
from .text import Plain, Spec
from .types import typed

__all__ = [
    "Plain", "Registry", "Spec", "code_of", "from_file", "import_files", "imported_files",
    "source_digest", "typed",
]  # fmt: skip
