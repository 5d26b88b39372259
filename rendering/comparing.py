"""What differs between two documents, how much it matters to those who call the service, and how that is told.

The levels are those of oasdiff (error, warning, information), under our names and for a client that takes any 2xx as
success, passes over unknown JSON keys, checks no limit of what it is given, and lets unknown values of an open
enumeration through in both directions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from rendering.facts import (
    ERROR,
    NOT_UNDERSTOOD,
    REQUEST,
    RESPONSE,
    Entry,
    Facts,
    Section,
    facts,
    in_words,
    nameless,
    text,
)
from rendering.pointers import Document

ABSENT: Entry = {"absent": True}
LOWER, UPPER = (
    ("minimum", "minLength", "minItems", "minProperties"),
    ("maximum", "maxLength", "maxItems", "maxProperties"),
)
SHAPING_FORMATS = {"binary", "byte", "date", "date-time", "base64url"}
FLAG_WORDS = {
    "required": ("became required", "became optional"),
    "nullable": ("became nullable", "is never null any more"),
    "deprecated": ("became deprecated", "is not deprecated any more"),
    "readOnly": ("became read-only", "is not read-only any more"),
    "open": ("became open", "became closed"),
}


class Level(IntEnum):
    """How much a difference matters."""

    FINE = 1
    CHECK = 2
    BREAKING = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Difference:
    """One thing that differs, in words.

    Attributes:
        level: How much it matters.
        what: What differs, and how.
        places: Operations, schemas and enumerations in which it does.
        details: The contents of what is new, line by line.
        kind: "added", "removed", "renamed" or "changed".
    """

    level: Level
    what: str
    places: tuple[str, ...]
    details: tuple[str, ...] = ()
    kind: str = "changed"


def differences(before: Document, after: Document) -> list[Difference]:
    """List what has to change in one document to promise what another does, what matters most first."""
    return compare(facts(before), facts(after))


def compare(before: Facts, after: Facts) -> list[Difference]:
    """List how the facts of two documents differ, what matters most first."""
    found: list[Difference] = []
    before, renamed = _with_paths_of(before, after)
    found += renamed
    before, renamed = _with_names_of(before, after)
    found += renamed
    told = "service" in before.sections and _mentions_security(before) and _mentions_security(after)
    for section in sorted({*before.sections, *after.sections}, key=_reading_order):
        old, new = before.sections.get(section), after.sections.get(section)
        if old is None or new is None:
            found.append(_whole(section, old, new))
            continue
        directions = before.directions.get(section, frozenset()) | after.directions.get(section, frozenset())
        for entry in dict.fromkeys((*old, *new)):
            if entry != "security" or told:
                found += _of_entry(section, entry, old, new, directions, after.python_names.get(section))
    return _grouped(found)


def worst(found: Iterable[Difference]) -> Level | None:
    """Return the highest level of some differences, None if there are none."""
    return max((difference.level for difference in found), default=None)


def release(document: Document) -> str:
    """Return the version that a document gives itself."""
    info = document.get("info")
    return text(info.get("version") if isinstance(info, dict) else None)


# Renames


def renamed_schemas(before: Facts, after: Facts) -> dict[str, str]:
    """Find schemas and enumerations that have another name now, by where they are used: old section to new one."""
    renamed: dict[str, str] = {}
    current = before
    while True:
        lost = {section for section in current.sections if _is_type(section)} - {*after.sections}
        gained = {section for section in after.sections if _is_type(section)} - {*current.sections}
        if not lost or not gained:
            return renamed
        votes = Counter(
            (old, new)
            for section, entries in current.sections.items()
            for entry, said in entries.items()
            for old, new in _changed_names(said, after.sections.get(section, {}).get(entry, {}))
            if old in lost and new in gained
        )
        if not votes:
            return renamed
        old, new = votes.most_common(1)[0][0]
        renamed[old] = new
        current = _renamed(current, {old: new})


def _changed_names(old: Entry, new: Entry) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names that stand in the same place of two types."""
    tokens = [re.findall(r"[\w.-]+", str(said.get("type", ""))) for said in (old, new)]
    if len(tokens[0]) == len(tokens[1]):
        for one, other in zip(*tokens, strict=True):
            if one != other:
                for kind in ("schema", "enum"):
                    yield f"{kind} {one}", f"{kind} {other}"


def _is_type(section: str) -> bool:
    return section.startswith(("schema ", "enum "))


def _renamed(said: Facts, names: dict[str, str]) -> Facts:
    """Give schemas and enumerations other names, wherever they are used."""
    words = {old.partition(" ")[2]: new.partition(" ")[2] for old, new in names.items()}

    def entry(facts_of_it: Entry) -> Entry:
        if "type" not in facts_of_it:
            return facts_of_it
        renamed = re.sub(r"[\w.-]+", lambda match: words.get(match[0], match[0]), str(facts_of_it["type"]))
        return {**facts_of_it, "type": renamed}

    sections = {
        names.get(section, section): {key: entry(each) for key, each in entries.items()}
        for section, entries in said.sections.items()
    }
    directions = {names.get(section, section): each for section, each in said.directions.items()}
    return replace(said, sections=sections, directions=directions)


def _with_names_of(before: Facts, after: Facts) -> tuple[Facts, list[Difference]]:
    renamed = renamed_schemas(before, after)
    told = [
        Difference(Level.CHECK, f"renamed: {old} -> {new.partition(' ')[2]}", (), kind="renamed")
        for old, new in renamed.items()
        if old not in before.unnamed and new not in after.unnamed
    ]
    return _renamed(before, renamed), told


def _with_paths_of(before: Facts, after: Facts) -> tuple[Facts, list[Difference]]:
    """Call the parameters of paths in one document what another calls them."""
    paths = {nameless(section): section for section in after.sections}
    sections: dict[str, Section] = {}
    places: dict[tuple[str, str], list[str]] = {}
    moved: dict[str, str] = {}
    for section, entries in before.sections.items():
        now = paths.get(nameless(section), section)
        moved[section] = now
        if now == section or _is_type(section):
            sections[section] = entries
            continue
        names = dict(zip(re.findall(r"{([^{}/]*)}", section), re.findall(r"{([^{}/]*)}", now), strict=True))
        renamed = {f"path {old}": f"path {new}" for old, new in names.items() if old != new}
        sections[now] = {renamed.get(entry, entry): said for entry, said in entries.items()}
        for pair in renamed.items():
            places.setdefault(pair, []).append(now)
    told = [
        Difference(Level.CHECK, f"renamed: {old} -> {new.partition(' ')[2]}", tuple(where), kind="renamed")
        for (old, new), where in places.items()
    ]
    python_names = {moved[section]: name for section, name in before.python_names.items()}
    return replace(before, sections=sections, python_names=python_names), told


# Differences of one section


def _reading_order(section: str) -> tuple[int, str, str]:
    method, _, rest = section.partition(" ")
    return (0 if section == "service" else 2 if _is_type(section) else 1), rest, method


def _mentions_security(said: Facts) -> bool:
    return any("security" in entries for entries in said.sections.values())


def _whole(section: str, old: Section | None, new: Section | None) -> Difference:
    entries = new or old or {}
    name = entries.get("operation", {}).get("name")
    subject = f"{section} ({name})" if name else section
    if new is None:
        level = Level.FINE if _is_type(section) else Level.BREAKING
        return Difference(level, f"removed: {subject}", (), kind="removed")
    details = [f"{entry}: {in_words(said)}" if in_words(said) else entry for entry, said in new.items()]
    details = [line for line in details if not line.startswith("operation: name ")]
    return Difference(Level.FINE, f"new: {subject}", (), tuple(details), kind="added")


def _of_entry(
    section: str, entry: str, old: Section, new: Section, directions: frozenset[str], python_name: str | None
) -> Iterator[Difference]:
    before, after = old.get(entry), new.get(entry)
    if before == after:
        return
    sides = _sides(entry, directions)
    if before is None or after is None:
        rule = _when_added if before is None else _when_removed
        level = max(_cut(side, rule(side, section, entry, old, new)) for side in sides)
        words = f"{entry}: new{_after_comma(after)}" if after is not None else f"{entry}: removed"
        yield Difference(level, words, (section,), kind="added" if before is None else "removed")
        return
    for key in dict.fromkeys((*before, *after)):
        was, is_now = before.get(key), after.get(key)
        if was == is_now:
            continue
        if entry == "operation" and key == "name":
            kept = python_name == was
            more = f"; stays {was} in Python" if kept else ""
            words = f"renamed: operation {text(was)} -> {text(is_now)}{more}"
            yield Difference(Level.FINE if kept else Level.CHECK, words, (section,), kind="renamed")
            continue
        level = max(_cut(side, _when_changed(side, entry, key, was, is_now)) for side in sides)
        yield Difference(level, f"{entry}: {_change(key, was, is_now)}", (section,))


def _after_comma(said: Entry | None) -> str:
    words = in_words(said or {})
    return f", {words}" if words else ""


def _change(key: str, was: object, is_now: object) -> str:
    if key in FLAG_WORDS and isinstance(was, bool | None) and isinstance(is_now, bool | None):
        return FLAG_WORDS[key][0 if is_now else 1]
    return f"{key} {text(was)} -> {text(is_now)}"


# Levels


def _sides(entry: str, directions: frozenset[str]) -> frozenset[str]:
    """Tell whether an entry is about what we send, what we get, or both."""
    first = entry.split()[0]
    if first == "status":
        return frozenset({RESPONSE if entry.split()[1][0] in "123" or entry == "status 404" else ERROR})
    if first == "any":
        return frozenset({ERROR})
    if first in ("property", "object", "variant", "value", "values", "part"):
        return directions or frozenset({REQUEST, RESPONSE})
    return frozenset({REQUEST})


def _cut(side: str, level: Level) -> Level:
    """Nothing about errors breaks a caller: what they contain is read with tolerance."""
    return min(level, Level.CHECK) if side == ERROR else level


def _first_success(entries: Section) -> str | None:
    return next((entry for entry in entries if re.fullmatch("status 2..", entry)), None)


def _when_added(side: str, section: str, entry: str, old: Section, new: Section) -> Level:
    said = new[entry]
    first = entry.split()[0]
    if any(key.startswith(NOT_UNDERSTOOD) for key in said):
        return Level.CHECK
    if first in ("host", "security") or (entry == "status 404" and section.startswith("HEAD ")):
        return Level.BREAKING if first != "security" else Level.CHECK
    if first == "value":
        closed = not new.get("values", {}).get("open")
        return Level.CHECK if closed and side != REQUEST else Level.FINE
    if first == "variant":
        return Level.CHECK if side != REQUEST else Level.FINE
    if side == REQUEST and said.get("required") and not said.get("readOnly"):
        return Level.BREAKING
    if side == RESPONSE and re.fullmatch("status 2.. as application/json", entry):
        return Level.CHECK
    return Level.FINE


def _when_removed(side: str, section: str, entry: str, old: Section, new: Section) -> Level:
    said = old[entry]
    first = entry.split()[0]
    if first in ("host", "paging"):
        return Level.BREAKING
    if any(key.startswith(NOT_UNDERSTOOD) for key in said) or first == "security":
        return Level.CHECK
    if first in ("value", "variant"):
        return Level.BREAKING if side == REQUEST else Level.FINE
    if side == REQUEST:
        return Level.BREAKING if entry.startswith("body ") and "body" in new else Level.CHECK
    if side == ERROR:
        return Level.FINE
    if first == "property":
        return Level.BREAKING if said.get("required") else Level.CHECK
    if " header " in entry:
        return Level.CHECK
    if " as " in entry:
        return Level.BREAKING if entry.endswith("application/json") else Level.FINE
    if entry == "status 404":
        return Level.BREAKING if section.startswith("HEAD ") else Level.FINE
    return Level.FINE if _first_success(new) else Level.BREAKING


def _when_changed(side: str, entry: str, key: str, was: object, is_now: object) -> Level:
    key = key.removeprefix("item ")
    if key.startswith(NOT_UNDERSTOOD) or entry == "security":
        return Level.CHECK
    if entry == "paging":
        return Level.BREAKING
    if key == "type":
        widened = (was, is_now) == (("integer", "number") if side == REQUEST else ("number", "integer"))
        return Level.FINE if widened else Level.BREAKING
    if key == "format":
        return Level.BREAKING if {text(was), text(is_now)} & SHAPING_FORMATS else Level.CHECK
    rules = {REQUEST: _when_sent}.get(side, _when_received)
    return rules(key, was, is_now)


def _when_sent(key: str, was: object, is_now: object) -> Level:
    if key in ("required", "nullable"):
        refuses = bool(is_now) if key == "required" else not is_now
        return Level.BREAKING if refuses else Level.FINE
    if key in LOWER + UPPER:
        return _when_limit_moves(key, was, is_now)
    if key == "default":
        return Level.BREAKING if None not in (was, is_now) else Level.CHECK
    if key == "enum":
        return Level.FINE if set(map(text, _items(was))) <= set(map(text, _items(is_now))) else Level.BREAKING
    if key in ("collectionFormat", "written as", "chosen by"):
        return Level.BREAKING
    if key == "open":
        return Level.FINE if is_now else Level.CHECK
    if key in ("pattern", "multipleOf", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum"):
        return Level.FINE if is_now is None else Level.CHECK
    if key == "additionalProperties":
        return Level.FINE if is_now is True else Level.CHECK
    return Level.FINE if key == "deprecated" else Level.CHECK


def _when_received(key: str, was: object, is_now: object) -> Level:
    if key in ("required", "nullable"):
        may_be_missing = not is_now if key == "required" else bool(is_now)
        return Level.BREAKING if may_be_missing else Level.FINE
    if key == "enum":
        return Level.FINE if set(map(text, _items(is_now))) <= set(map(text, _items(was))) else Level.CHECK
    if key == "chosen by":
        return Level.BREAKING
    return Level.CHECK if key in ("open", "writeOnly") else Level.FINE


def _when_limit_moves(key: str, was: object, is_now: object) -> Level:
    if is_now is None:
        return Level.FINE
    if not isinstance(was, int | float) or not isinstance(is_now, int | float):
        return Level.CHECK
    tighter = is_now > was if key in LOWER else is_now < was
    return Level.BREAKING if tighter else Level.FINE


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


# Telling


def _grouped(found: list[Difference]) -> list[Difference]:
    """Tell once what differs in the same way in several places; what matters most comes first."""
    groups: dict[tuple[Level, str, tuple[str, ...], str], list[str]] = {}
    for each in found:
        groups.setdefault((each.level, each.what, each.details, each.kind), []).extend(each.places)
    grouped = [
        Difference(level, what, tuple(dict.fromkeys(places)), details, kind)
        for (level, what, details, kind), places in groups.items()
    ]
    return sorted(grouped, key=lambda each: -each.level)


def as_text(found: list[Difference]) -> list[str]:
    """Write differences for a terminal, each with its level in front."""
    lines = []
    for each in found:
        place = f"{each.places[0]}, " if len(each.places) == 1 else ""
        lines.append(f"{each.level!s:<9} {place}{each.what}")
        below = each.details if len(each.places) < 2 else (*each.details, *(f"in {place}" for place in each.places))
        lines += [f"{'':<9}   {line}" for line in below]
    return lines


def summary(found: list[Difference]) -> str:
    """Count differences by level, for example "1 breaking, 12 fine"."""
    counts = Counter(each.level for each in found)
    return ", ".join(f"{counts[level]} {level}" for level in reversed(Level) if counts[level]) or "no difference"


def as_markdown(found: list[Difference], before: str, after: str) -> list[str]:
    """Write differences for an issue or a pull request, a list for each level."""
    lines = [f"## {_code(before)} to {_code(after)}: {summary(found)}"]
    for level in reversed(Level):
        of_level = [each for each in found if each.level is level]
        lines += ["", f"### {str(level).capitalize()}", ""] if of_level else []
        for each in of_level:
            one_place = len(each.places) == 1
            lines.append(f"* {_code(each.places[0])}: {_code(each.what)}" if one_place else f"* {_code(each.what)}")
            lines += [f"  * {_code(line)}" for line in each.details]
            lines += [f"  * in {_code(place)}" for place in each.places if not one_place]
    return lines


def as_changelog(found: list[Difference], version: str) -> list[str]:
    """Write the entry of CHANGELOG.md: what callers of the raw operations get, lose and have to look at."""
    parts = []
    for kind, word in (("added", "new"), ("removed", "gone")):
        whole = [each for each in found if each.kind == kind and not each.places]
        names = [_code(_subject(each)) for each in whole]
        parts += [f"{word}: {', '.join(names)}"] if names else []
    for each in found:
        if each.kind == "renamed" or each.places:
            places = " and ".join(_code(place) for place in each.places)
            told = f"{each.what} ({places})" if places else each.what
            parts.append(f"**{told}**" if each.level is Level.BREAKING else told)
    return [f"* API version {version}: {'; '.join(parts) or 'no change of fact'}."]


def _subject(whole: Difference) -> str:
    """Return the Python name of an operation that is new or gone, the name of anything else."""
    subject = whole.what.partition(": ")[2]
    name = re.search(r" \((\w+)\)$", subject)
    return name[1] if name else subject


def _code(words: str) -> str:
    """Quote words as code in Markdown, whatever they hold."""
    fence = "`" * (max(map(len, re.findall("`+", words)), default=0) + 1)
    space = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{space}{words}{space}{fence}"


__all__ = [
    "Difference",
    "Level",
    "as_changelog",
    "as_markdown",
    "as_text",
    "compare",
    "differences",
    "release",
    "renamed_schemas",
    "summary",
    "worst",
]
