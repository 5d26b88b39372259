"""From the schemas of a document to models, unions and enumerations in Python.

An object can differ by the direction it goes: the service alone sets fields that are read-only, and in a merge patch a
field that is left out is not the same as one that is null. Where it does, there is a class for each direction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, TypeAlias

from openapi_python_client.strings import ClassName, PythonIdentifier

from rendering.pointers import Document, resolved

Shapes: TypeAlias = "dict[str, Model | Union | Enumeration]"

# Fields that official documents leave optional in responses although a response without them is of no use.
REQUIRED_IN_RESPONSES = {"ClientTokenResponse": ["token"]}

# Fields that the `repr` of their model leaves out.
SECRETS = {"ClientTokenResponse": ["token"]}

SCALARS = {
    ("string", "date-time"): ("_datetime.datetime", "date_time", "date_time_text", "date_time_value"),
    ("string", "date"): ("_datetime.date", "date", "date_text", "date_value"),
    ("string", "byte"): ("bytes", "base64_bytes", "base64_text", "base64_value"),
    ("string", ""): ("str", "string", "string", "text"),
    ("integer", ""): ("int", "integer", "integer", "integer_text"),
    ("number", ""): ("float", "number", "number", "number_text"),
    ("boolean", ""): ("bool", "boolean", "boolean", "boolean_text"),
}


class Direction(Enum):
    """Which way an object goes. The value is what the name of its class ends with if it differs from what comes."""

    RESPONSE = ""
    REQUEST = "Input"
    PATCH = "Patch"


@dataclass(frozen=True)
class Kind:
    """A schema in Python: its annotation, and expressions of functions that read, write, and put it into a URL."""

    annotation: str
    decode: str
    encode: str
    text: str | None = None
    classes: tuple[str, ...] = ()
    item: Kind | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """A parameter of an operation or a field of a model."""

    name: str
    wire: str
    kind: Kind
    description: str
    secret: bool = False
    settable: bool = False
    constant: str | None = None


@dataclass(frozen=True)
class Model:
    """An object that operations take or give."""

    name: str
    module: str
    description: str
    required: list[Field]
    optional: list[Field]
    constants: list[Field]
    classes: tuple[str, ...]
    template: str = "model.py.jinja"

    @property
    def imports(self) -> str:
        """What other modules import of its module."""
        return self.name

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """Name and description of every field."""
        return [(each.name, each.description) for each in (*self.required, *self.constants, *self.optional)]


@dataclass(frozen=True)
class Union:
    """Objects that one field tells apart. An open one gives what it does not know as it came."""

    name: str
    module: str
    description: str
    told_by: str
    members: dict[str, str]
    open: bool
    template: str = "union.py.jinja"

    @property
    def imports(self) -> str:
        """What other modules import of its module."""
        return f"{self.name}, decoded as _decoded_{self.module}, encoded as _encoded_{self.module}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of its members."""
        return tuple(dict.fromkeys(self.members.values()))


@dataclass(frozen=True)
class Enumeration:
    """The known values of a string or a whole number. An open one has others, too."""

    name: str
    module: str
    description: str
    values: list[Any]
    open: bool
    classes: tuple[str, ...] = ()
    template: str = "enumeration.py.jinja"

    @property
    def imports(self) -> str:
        """What other modules import of its module."""
        return f"{self.name}, checked as _checked_{self.module}"


@dataclass(frozen=True)
class Use:
    """How an object has a field in one direction."""

    schema: Document
    required: bool
    settable: bool


def needed(shapes: Shapes, start: Iterable[str]) -> set[str]:
    """Find the classes that some classes lead to, themselves included."""
    found: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(shapes[name].classes)
    return found


@dataclass
class Schemas:
    """The named schemas of a document, and what they are in Python."""

    document: Document
    uses: dict[str, set[Direction]] = dataclasses.field(default_factory=dict)

    @cached_property
    def named(self) -> Document:
        """All named schemas."""
        found: Document = self.document["components"].get("schemas", {})
        return found

    @cached_property
    def constants(self) -> dict[str, tuple[str, str]]:
        """The field that tells an alternative from others, and its value, by name of the schema."""
        return {
            reference.rpartition("/")[2]: (schema["discriminator"]["propertyName"], value)
            for schema in self.named.values()
            if "oneOf" in schema
            for value, reference in schema["discriminator"]["mapping"].items()
        }

    # Directions

    def use(self, schema: Document, direction: Direction) -> None:
        """Note that a schema, and all that it leads to, goes in a direction."""
        for name in self._names(schema):
            directions = self.uses.setdefault(name, set())
            if direction not in directions:
                directions.add(direction)
                for child in self._children(name, direction):
                    self.use(child, direction)

    def _names(self, schema: Document) -> Iterator[str]:
        """Find the named enumerations, alternatives and objects that a schema mentions itself."""
        schema, name = resolved(self.document, schema)
        if name is not None and {"enum", "oneOf", "properties"} & {*schema}:
            yield name
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                yield from self._names(schema[key])

    def _children(self, name: str, direction: Direction) -> list[Document]:
        schema = self.named[name]
        return [*schema.get("oneOf", []), *(use.schema for use in self.fields(name, direction).values())]

    def fields(self, name: str, direction: Direction) -> dict[str, Use]:
        """Find the fields of an object that goes in a direction."""
        schema, found = self.named[name], {}
        needed_fields = {*schema.get("required", []), *REQUIRED_IN_RESPONSES.get(name, [])}
        for wire, each in schema.get("properties", {}).items():
            said = resolved(self.document, each)[0]
            mutability = {*said.get("x-ms-mutability", ["create", "read", "update"])}
            here = {
                Direction.RESPONSE: not said.get("writeOnly", False) and "read" in mutability,
                Direction.REQUEST: not said.get("readOnly", False) and bool(mutability & {"create", "update"}),
                Direction.PATCH: not said.get("readOnly", False) and "update" in mutability,
            }
            if not here[direction]:
                continue
            required = wire in needed_fields and not (direction is Direction.REQUEST and "create" not in mutability)
            nullable = direction is Direction.REQUEST and said.get("nullable", False)
            found[wire] = Use(each, required, not required and (nullable or direction is Direction.PATCH))
        return found

    def _shape(self, name: str, direction: Direction) -> object:
        if "oneOf" in self.named[name]:
            return direction is Direction.RESPONSE and self._is_open_union(name)
        return [(wire, use.required, use.settable) for wire, use in self.fields(name, direction).items()]

    def _differs(self, name: str, one: Direction, other: Direction) -> bool:
        """Tell whether an object, or anything that it leads to, differs by direction."""
        seen: set[str] = set()
        pending = [name]
        while pending:
            each = pending.pop()
            if each in seen:
                continue
            seen.add(each)
            if self._shape(each, one) != self._shape(each, other):
                return True
            pending += [inner for child in self._children(each, one) for inner in self._names(child)]
        return False

    def _is_open_union(self, name: str) -> bool:
        """Tell whether there may be alternatives that the document does not know."""
        schema = self.named[name]
        wire = schema["discriminator"]["propertyName"]
        members = [resolved(self.document, each)[0]["properties"][wire] for each in schema["oneOf"]]
        values = [resolved(self.document, each)[0] for each in members]
        return not all("enum" in each and not _is_open(each) for each in values)

    def class_of(self, name: str, direction: Direction) -> str:
        """Name the class of a schema that goes in a direction."""
        own = str(ClassName(name, "Model"))
        order = sorted(self.uses.get(name, {direction}), key=list(Direction).index)
        for earlier in order:
            if earlier is direction or not self._differs(name, earlier, direction):
                return own if earlier is order[0] else own + earlier.value
        return own + direction.value

    # Python

    def kind(self, schema: Document, direction: Direction, *, nullable: bool | None = None) -> Kind:
        """Find the Python form of a schema that goes in a direction."""
        schema, name = resolved(self.document, schema)
        if schema.get("nullable", False) if nullable is None else nullable:
            kind = self.kind(
                schema if name is None else {"$ref": f"#/components/schemas/{name}"}, direction, nullable=False
            )
            decode, encode = f"_core.nullable({kind.decode})", f"_core.nullable_of({kind.encode})"
            return Kind(f"{kind.annotation} | None", decode, encode, None, kind.classes)
        if name is not None and {"enum", "oneOf", "properties"} & {*schema}:
            return self._named_kind(name, schema, direction)
        if "items" in schema:
            item = self.kind(schema["items"], direction)
            decode, encode = f"_core.array({item.decode})", f"_core.array_of({item.encode})"
            return Kind(f"list[{item.annotation}]", decode, encode, None, item.classes, item)
        if isinstance(schema.get("additionalProperties"), dict):
            value = self.kind(schema["additionalProperties"], direction)
            decode, encode = f"_core.table({value.decode})", f"_core.table_of({value.encode})"
            return Kind(f"dict[str, {value.annotation}]", decode, encode, None, value.classes)
        if schema.get("type") == "object" or "properties" in schema:
            return Kind("_Mapping[str, _core.JSONValue]", "_core.mapping", "_core.mapping")
        if "type" not in schema:
            return Kind("_core.JSONValue", "_core.anything", "_core.anything")
        of_format = (schema["type"], schema.get("format", ""))
        annotation, decode, encode, text = SCALARS.get(of_format) or SCALARS[schema["type"], ""]
        return Kind(annotation, f"_core.{decode}", f"_core.{encode}", f"_core.{text}")

    def _named_kind(self, name: str, schema: Document, direction: Direction) -> Kind:
        if "enum" in schema:
            class_name = str(ClassName(name, "Model"))
            checked = f"_checked_{_module(class_name)}"
            python, text = ("str", "text") if isinstance(schema["enum"][0], str) else ("int", "integer_text")
            if _is_open(schema):
                function = "_core.string" if python == "str" else "_core.integer"
                return Kind(f"{class_name} | {python}", function, function, f"_core.{text}", (class_name,))
            return Kind(class_name, checked, checked, f"_core.closed(_core.{text}, {checked})", (class_name,))
        class_name = self.class_of(name, direction)
        if "oneOf" in schema:
            module = _module(class_name)
            references = schema["discriminator"]["mapping"].values()
            members = tuple(self.class_of(each.rpartition("/")[2], direction) for each in dict.fromkeys(references))
            return Kind(class_name, f"_decoded_{module}", f"_encoded_{module}", None, (class_name,), models=members)
        decode, encode = f"{class_name}.from_dict", f"{class_name}.to_dict"
        return Kind(class_name, decode, encode, None, (class_name,), models=(class_name,))

    def shapes(self) -> Shapes:
        """Find the Python form of all named schemas that were used, by class name."""
        found: Shapes = {}
        for name, directions in self.uses.items():
            for direction in sorted(directions, key=list(Direction).index):
                shape = self._named_shape(name, direction)
                found.setdefault(shape.name, shape)
        return found

    def _named_shape(self, name: str, direction: Direction) -> Model | Union | Enumeration:
        schema, description = self.named[name], self.named[name].get("description", "")
        if "enum" in schema:
            class_name = str(ClassName(name, "Model"))
            return Enumeration(class_name, _module(class_name), description, sorted(schema["enum"]), _is_open(schema))
        class_name = self.class_of(name, direction)
        if "oneOf" in schema:
            discriminator = schema["discriminator"]
            members = {
                value: self.class_of(reference.rpartition("/")[2], direction)
                for value, reference in discriminator["mapping"].items()
            }
            is_open = direction is Direction.RESPONSE and self._is_open_union(name)
            wire = discriminator["propertyName"]
            return Union(class_name, _module(class_name), description, wire, members, is_open)
        return self._model(name, class_name, description, direction)

    def python_name(self, wire: str) -> str:
        """Name a field as the generator does."""
        return str(PythonIdentifier(wire, "field_"))

    def _model(self, name: str, class_name: str, description: str, direction: Direction) -> Model:
        required: list[Field] = []
        optional: list[Field] = []
        constants: list[Field] = []
        for wire, use in self.fields(name, direction).items():
            kind = self.kind(use.schema, direction, nullable=None if use.required else False)
            said = resolved(self.document, use.schema)[0]
            constant = self.constants.get(name)
            made = Field(
                name=self.python_name(wire),
                wire=wire,
                kind=kind,
                description=described(said),
                secret=wire in SECRETS.get(name, []),
                settable=use.settable,
                constant=repr(constant[1]) if constant and constant[0] == wire else None,
            )
            (constants if made.constant else required if use.required else optional).append(made)
        classes = {each for made in (*required, *optional) for each in made.kind.classes}
        return Model(
            class_name, _module(class_name), description, required, optional, constants, tuple(sorted(classes))
        )


def _is_open(enumeration: Document) -> bool:
    return bool(enumeration.get("x-ms-enum", {}).get("modelAsString", False))


def _module(class_name: str) -> str:
    return str(PythonIdentifier(class_name, "model_"))


def described(schema: Document, words: str | None = None) -> str:
    """Say what a schema is: in the words of the document, followed by limits, format and default as it has them."""
    words = schema.get("description", "") if words is None else words
    return " ".join(filter(None, [words, *_limits(schema)]))


def _limits(schema: Document) -> Iterator[str]:
    item = schema.get("items", {})
    yield _range(schema.get("minimum"), schema.get("maximum"), "")
    yield _range(schema.get("minLength"), schema.get("maxLength"), " character")
    yield _range(schema.get("minItems"), schema.get("maxItems"), " item")
    for key, said in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(key) and said in schema:
            yield f"Not {schema[said]} itself."
    if "multipleOf" in schema:
        yield f"A multiple of {schema['multipleOf']}."
    if schema.get("uniqueItems"):
        yield "No item twice."
    for each in (schema, item):
        if "pattern" in each:
            yield f"Matches `{each['pattern']}`."
    formats = ("binary", "byte", "date", "date-time", "double", "float", "int32", "int64")
    if schema.get("format", "binary") not in formats:
        yield f"Format: {schema['format']}."
    if "default" in schema:
        yield f"The service takes {schema['default']!r} if it is left out."
    if schema.get("deprecated"):
        yield "Deprecated."


def _range(least: object, most: object, unit: str) -> str:
    def amount(value: object) -> str:
        return f"{value}{unit}{'s' if unit and value != 1 else ''}"

    if least is not None and most is not None:
        return f"From {least} to {amount(most)}." if least != most else f"Exactly {amount(most)}."
    if least is not None:
        return f"At least {amount(least)}."
    return f"At most {amount(most)}." if most is not None else ""
