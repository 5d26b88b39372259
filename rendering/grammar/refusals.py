"""What stands in the way of rendering a document: each thing with its place and with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from rendering.pointers import Document

TEACH = "teach rendering/grammar/form.py what it means, or list it under IGNORED there with the reason"
CORRECT = "correct the document"
DECIDE = "decide what it should be in Python and teach rendering/ to render it, or leave the operation out"
RENAME = "give one of them another name"
RENAME_IT = "give it another name"
QUOTE = "put it in quotes"


class DocumentError(ValueError):
    """A document that cannot be used; the message says why."""


class Refusal(NamedTuple):
    """One thing in a document that stands in the way."""

    where: str
    problem: str
    remedy: str


class Refused(DocumentError):
    """All that stands in the way of rendering a document.

    The message of a single refusal is one line; several are grouped by what to do.
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(dict.fromkeys(refusals))
        super().__init__(self._told())

    def _told(self) -> str:
        if len(self.refusals) == 1:
            (only,) = self.refusals
            return f"{only.where}: {only.problem}; {only.remedy}"
        lines = [f"{len(self.refusals)} things stand in the way:"]
        for remedy in dict.fromkeys(refusal.remedy for refusal in self.refusals):
            lines.append(f"  {remedy}:")
            lines += [f"    {where}: {problem}" for where, problem, other in self.refusals if other == remedy]
        return "\n".join(lines)


class Refusals:
    """Collects what stands in the way. Places are told as the document has them, before any conversion."""

    def __init__(self, document: Document) -> None:
        self.found: list[Refusal] = []
        self._swagger = "swagger" in document

    def add(self, where: str, problem: str, remedy: str = CORRECT) -> None:
        """Note one thing."""
        if self._swagger:
            where = where.replace("#/components/schemas/", "#/definitions/").replace("#/components/", "#/")
        self.found.append(Refusal(where, problem, remedy))

    def stop(self) -> None:
        """Refuse the document if anything was noted."""
        if self.found:
            raise Refused(self.found)


def refuse(where: str, problem: str, remedy: str = CORRECT) -> NoReturn:
    """Refuse a document for one thing."""
    raise Refused([Refusal(where, problem, remedy)])


def not_parsed(header: object, detail: object) -> NoReturn:
    """Refuse what the pinned generator does not accept although nothing here objects to it."""
    refuse("#", f"the generator says: {' '.join(f'{header} {detail or str()}'.split())[:400]}", DECIDE)
