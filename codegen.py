"""Render what this repository does not write by hand.

    python codegen.py                render spec/*.yaml into generated/webpubsub_rest, and the sync twins
    python codegen.py --check        compare with what is on disk; exit 1 on drift
    python codegen.py import FILE    turn an official document into spec/<version>.yaml
    python codegen.py diff A B       list what differs between two documents; exit 1 when anything does

openapi-python-client parses the documents, the templates beside this file say what the code looks like, and ruff
formats it. Both shape every line, so both are pinned. Everything is rendered in memory before a file is touched, and
whatever this program does not fully understand stops it with a message and exit code 2.
"""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openapi_python_client import schema as oai
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser import properties as opc
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier, safe_for_docstring
from pydantic import BaseModel

import documents

ROOT = Path(__file__).parent
PACKAGE = Path("generated/webpubsub_rest")
PINNED = {"openapi-python-client": "0.29.1", "ruff": "0.17.6"}
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What the modules of operations use themselves.
RESERVED_PARAMETERS = {"api_version", "body", "url", "request", "path_segment", "query_value", "query_values", "json_content"}

BODIES = {"application/json": "JsonBody", "text/plain": "TextBody", "application/octet-stream": "BinaryBody"}

# Fields that official documents leave optional in answers although an answer without them is of no use.
REQUIRED_IN_ANSWERS = {"ClientTokenResponse": ["token"]}

Tree = dict[Path, bytes]


class Stop(Exception):
    """Something that this program does not understand, in one line."""


# What the templates get


@dataclass(frozen=True)
class Kind:
    """A schema in Python. `{}` in `encode` and `in_url` stands for the expression that holds the value."""

    annotation: str
    decode: str
    encode: str = "{}"
    in_url: str | None = None
    classes: tuple[str, ...] = ()
    not_null: Kind | None = None
    item: Kind | None = None


@dataclass(frozen=True)
class Field:
    """A parameter of an operation or a field of a model."""

    name: str
    wire: str
    kind: Kind
    description: str = ""


@dataclass(frozen=True)
class Body:
    """What an operation sends. `content_type` and `content` are Python expressions."""

    annotation: str
    content_type: str
    content: str
    required: bool
    description: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One endpoint. `url` is the text of an f-string, `queries` has an expression for each optional parameter."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    url: str
    positional: list[Field]
    required: list[Field]
    optional: list[Field]
    queries: list[tuple[str, str]]
    versioned: bool
    body: Body | None
    answer: str
    headers: list[str]
    classes: tuple[str, ...]

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """Name and description of every argument that has one."""
        body = [("body", self.body.description)] if self.body else []
        described = [(each.name, each.description) for each in (*self.required, *self.optional)]
        return [*((each.name, each.description) for each in self.positional), *body, *described]


@dataclass(frozen=True)
class Model:
    """An object that operations take or give."""

    name: str
    module: str
    description: str
    required: list[Field]
    optional: list[Field]
    classes: tuple[str, ...]

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """Name and description of every field that has one."""
        return [(each.name, each.description) for each in (*self.required, *self.optional)]


@dataclass(frozen=True)
class Enumeration:
    """The known values of a string or a whole number."""

    name: str
    module: str
    description: str
    values: list[Any]
    classes: tuple[str, ...] = ()


def kind_of(prop: Any, where: str, *, open_enums: bool = False) -> Kind:
    """Find the Python form of a parsed schema.

    Args:
        prop: What the generator made of it.
        where: How messages call it.
        open_enums: Whether unknown values are let through, as they must be in answers of a newer service.
    """
    match prop:
        case opc.StringProperty() | opc.DateProperty() | opc.DateTimeProperty() | opc.UuidProperty():
            return Kind("str", "string", in_url="query_value({})")
        case opc.IntProperty():
            return Kind("int", "integer", in_url="{}:d")
        case opc.FloatProperty():
            return Kind("float", "number", in_url="{}:.17g")
        case opc.BooleanProperty():
            return Kind("bool", "boolean", in_url="'true' if {} else 'false'")
        case opc.AnyProperty():
            return Kind("JSONValue", "anything")
        case opc.LiteralEnumProperty():
            name = str(prop.class_info.name)
            whole = prop.value_type is int
            annotation = f"{name} | {'int' if whole else 'str'}" if open_enums else name
            decode, in_url = ("integer", "{}:d") if whole else ("string", "query_value({})")
            return Kind(annotation, decode, in_url=in_url, classes=(name,))
        case opc.ModelProperty() if prop.data.properties or prop.data.allOf:
            name = str(prop.class_info.name)
            return Kind(name, f"{name}.from_dict", "{}.to_dict()", classes=(name,))
        case opc.ModelProperty():
            return Kind("Mapping[str, JSONValue]", "mapping")
        case opc.ListProperty():
            item = kind_of(prop.inner_property, where, open_enums=open_enums)
            encode = "{}" if item.encode == "{}" else f"[{item.encode.format('item')} for item in {{}}]"
            return Kind(f"list[{item.annotation}]", f"array({item.decode})", encode, classes=item.classes, item=item)
        case opc.UnionProperty():
            others = [inner for inner in prop.inner_properties if not isinstance(inner, opc.NoneProperty)]
            if len(others) == 1:
                inner = kind_of(others[0], where, open_enums=open_enums)
                encode = "{}" if inner.encode == "{}" else f"None if {{0}} is None else {inner.encode.format('{0}')}"
                annotation = f"{inner.annotation} | None"
                return Kind(annotation, f"nullable({inner.decode})", encode, classes=inner.classes, not_null=inner)
    raise Stop(f"{where}: a schema of this kind is not supported ({type(prop).__name__})")


# From a document to operations


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow the `$ref` of a node, if it is one."""
    while "$ref" in node:
        target: Any = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            if key not in target:
                raise Stop(f"{node['$ref']} leads nowhere")
            target = target[key]
        node = target
    return node


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[dict[str, Any]]]]:
    """Yield path, method, operation and resolved parameters of every operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                both = [*item[method].get("parameters", []), *item.get("parameters", [])]
                yield path, method, item[method], [resolve(document, parameter) for parameter in both]


def unknown_keys(node: object, where: str) -> Iterator[str]:
    """Yield the place of every key that OpenAPI 3.0 does not have and that is no `x-` extension."""
    if isinstance(node, BaseModel):
        yield from (f"{where}.{key}" for key in node.model_extra or {} if not key.startswith("x-"))
        for name in node.model_fields_set & set(type(node).model_fields):
            yield from unknown_keys(getattr(node, name), f"{where}.{type(node).model_fields[name].alias or name}")
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from unknown_keys(value, f"{where}.{plain(key)}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from unknown_keys(value, f"{where}.{index}")


def refuse_unsupported(document: dict[str, Any]) -> None:
    """Stop at everything that the generator would read over in silence."""
    try:
        parsed = oai.OpenAPI.model_validate(document)
    except ValueError as error:
        raise Stop(f"not an OpenAPI 3 document: {' '.join(str(error).split())[:400]}") from error
    unknown = sorted(unknown_keys(parsed, "document"))
    if unknown:
        raise Stop(f"unknown key {unknown[0]}")
    names: set[str] = set()
    for path, method, operation, parameters in operations_of(document):
        where = operation.get("operationId") or f"{method.upper()} {path}"
        if "operationId" not in operation or len(operation.get("tags", [])) != 1:
            raise Stop(f"{where}: an operation needs an operationId and exactly one tag")
        for key in ("callbacks", "servers"):
            if key in operation:
                raise Stop(f"{where}: {key} are not supported")
        if where in names:
            raise Stop(f"{where}: two operations with this name")
        names.add(where)
        for parameter in parameters:
            refuse_parameter(document, parameter, f"{where}, parameter {parameter['name']}")


def refuse_parameter(document: dict[str, Any], parameter: dict[str, Any], where: str) -> None:
    """Stop at a parameter that could not be sent as the document wants it."""
    if parameter["in"] not in ("path", "query"):
        raise Stop(f"{where}: {parameter['in']} parameters are not supported")
    if "schema" not in parameter:
        raise Stop(f"{where}: parameters described by content are not supported")
    style = {"path": "simple", "query": "form"}[parameter["in"]]
    if parameter.get("style", style) != style or parameter.get("allowReserved"):
        raise Stop(f"{where}: this way of writing values into the URL is not supported")
    if resolve(document, parameter["schema"]).get("type") == "array" and not parameter.get("explode", style == "form"):
        raise Stop(f"{where}: lists in one value are not supported, only repeated ones")


def prepared(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a document what rendering has no use for.

    The errors of `default` are never parsed, an answer with content is read as JSON, and what the service does when a
    parameter is left out is left to the service.
    """
    document = copy.deepcopy(document)
    for _, _, operation, _ in operations_of(document):
        operation["responses"].pop("default", None)
        for status, response in operation["responses"].items():
            content = resolve(document, response).get("content", {})
            if content and "application/json" not in content:
                raise Stop(f"{operation['operationId']}: answer {status} has content, but none of it is JSON")
            for media_type in list(content):
                if media_type != "application/json":
                    del content[media_type]
    for name, fields in REQUIRED_IN_ANSWERS.items():
        schema = document.get("components", {}).get("schemas", {}).get(name)
        if schema is not None:
            schema["required"] = sorted({*schema.get("required", []), *fields})
    return document


def parsed(document: dict[str, Any]) -> GeneratorData:
    """Give a document to the generator, whose every warning is an error here."""
    settings = ConfigFile(
        literal_enums=True, post_hooks=[], content_type_overrides={"text/plain": "application/octet-stream"}
    )
    config = Config.from_sources(settings, MetaType.NONE, Path("unused"), "utf-8", True, None)
    data = GeneratorData.from_dict(document, config=config)
    if not isinstance(data, GeneratorData):
        raise Stop(" ".join(f"{data.header}: {data.detail}".split()))
    collections = data.endpoint_collections_by_tag.values()
    errors = [*data.errors, *(error for collection in collections for error in collection.parse_errors)]
    if errors:
        raise Stop(" ".join(f"{errors[0].header} {errors[0].detail or ''}".split()))
    names = [endpoint.name for collection in collections for endpoint in collection.endpoints]
    if len(set(names)) != len(list(operations_of(document))):
        raise Stop("two operations have the same name in Python, or the generator lost one")
    return data


def plain(value: Any) -> str:
    """Text of the document, unwrapped from the generator's guard against careless templates."""
    return value.get_untrusted_value() if isinstance(value, UntrustedString) else value or ""


def operation_of(
    endpoint: Endpoint, document: dict[str, Any], path: str, source: dict[str, Any], parameters: list[dict[str, Any]]
) -> Operation:
    """Gather what the template needs of one endpoint."""
    where = str(endpoint.name)
    descriptions = {parameter["name"]: parameter.get("description", "") for parameter in parameters}

    def field(prop: PropertyProtocol) -> Field:
        wire = plain(prop.name)
        name = str(prop.python_name)
        if name in RESERVED_PARAMETERS:
            raise Stop(f"{where}: a parameter cannot be called {name}")
        kind = kind_of(prop, f"{where}, parameter {wire}")
        if kind.item:
            kind = replace(kind, annotation=f"Iterable[{kind.item.annotation}]")
        return Field(name, wire, kind, descriptions.get(wire, ""))

    positional = [field(prop) for prop in endpoint.path_parameters]
    query = [field(prop) for prop in endpoint.query_parameters if plain(prop.name) != "api-version"]
    needed = {plain(prop.name) for prop in endpoint.query_parameters if prop.required}
    required = [parameter for parameter in query if parameter.wire in needed]
    optional = [parameter for parameter in query if parameter.wire not in needed]
    versioned = len(query) < len(endpoint.query_parameters)
    body = body_of(endpoint, resolve(document, source.get("requestBody", {})))
    answer = answer_of(endpoint)
    headers = ['"Accept": "application/json"'] if answer.decode.startswith("json_answer(") else []
    headers += [f'"Content-Type": {body.content_type}'] if body and body.required else []
    used = [parameter.kind.classes for parameter in (*positional, *query)]
    return Operation(
        name=where,
        tag=str(endpoint.tags[0]),
        method=endpoint.method.upper(),
        path=path,
        summary=plain(endpoint.summary),
        description=plain(endpoint.description),
        url=url_of(endpoint, positional, required, versioned),
        positional=positional,
        required=required,
        optional=optional,
        queries=[(parameter.name, query_text(parameter, where)) for parameter in optional],
        versioned=versioned,
        body=body,
        answer=answer.decode,
        headers=headers,
        classes=tuple(sorted({*sum(used, ()), *(body.classes if body else ()), *answer.classes})),
    )


def url_of(endpoint: Endpoint, positional: list[Field], required: list[Field], versioned: bool) -> str:
    """Write path and required query parameters as the text of an f-string."""
    where = str(endpoint.name)
    path = plain(endpoint.path)
    literal = re.sub(r"{\w+}", "", path)
    if not re.fullmatch(r"/[\w\-.~:/!$()*+,;=@]*", literal, re.ASCII):
        raise Stop(f"{where}: the path {path} holds characters that would have to be escaped")
    for parameter in positional:
        kind = parameter.kind
        if kind.in_url is None:
            raise Stop(f"{where}: {parameter.name} cannot be part of a path")
        written = f"path_segment('{parameter.name}', {parameter.name})"
        path = path.replace(
            f"{{{parameter.name}}}",
            f"{{{written if kind.in_url.startswith('query_value') else kind.in_url.format(parameter.name)}}}",
        )
    version = "?api-version={query_value(api_version)}" if versioned else ""
    return path + version + "".join(f"{{{query_text(parameter, where)}}}" for parameter in required)


def query_text(parameter: Field, where: str) -> str:
    """Write one query parameter as an expression; its value begins with `&`."""
    name, kind, wire = parameter.name, parameter.kind.not_null or parameter.kind, quote(parameter.wire, safe="")
    if kind.item and kind.item.in_url == "query_value({})":
        return f'query_values("{wire}", {name})'
    if kind.in_url is None:
        raise Stop(f"{where}: {parameter.wire} cannot be part of a query")
    return f'f"&{wire}={{{kind.in_url.format(name)}}}"'


def body_of(endpoint: Endpoint, body: dict[str, Any]) -> Body | None:
    """Find how an operation takes its content: as a model if JSON of one shape is all it takes, or else wrapped."""
    if not endpoint.bodies:
        return None
    required, description = body.get("required", False), body.get("description", "")
    types = [plain(each.content_type) for each in endpoint.bodies]
    unknown = [content_type for content_type in types if content_type not in BODIES]
    if unknown:
        raise Stop(f"{endpoint.name}: content of type {unknown[0]} is not supported")
    if types == ["application/json"]:
        kind = kind_of(endpoint.bodies[0].prop, f"{endpoint.name}, body")
        if kind.encode == "{}.to_dict()":
            content = "json_content(body.to_dict())"
            return Body(kind.annotation, '"application/json"', content, required, description, kind.classes)
    annotation = " | ".join(wrapper for content_type, wrapper in BODIES.items() if content_type in types)
    return Body(annotation, "body.content_type", "body.content()", required, description)


def answer_of(endpoint: Endpoint) -> Kind:
    """Find what an operation returns; `decode` is the parser of its answer."""
    patterns = endpoint.responses.patterns
    success = [each for each in patterns if each.status_code.range and 200 <= each.status_code.range[0] <= 299]
    if not success:
        raise Stop(f"{endpoint.name}: no answer of success is documented")
    if endpoint.method == "head":
        probe = any(each.status_code.pattern == "404" for each in patterns)
        return Kind("bool", "existence") if probe else Kind("None", "no_content")
    bare = [each for each in success if each.source["attribute"] == "None"]
    if len(bare) == len(success):
        return Kind("None", "no_content")
    kinds = {kind_of(each.prop, f"{endpoint.name}, answer") for each in success}
    if bare or len(kinds) > 1:
        raise Stop(f"{endpoint.name}: answers of success that differ in content are not supported")
    kind = kinds.pop()
    return Kind(kind.annotation, f"json_answer({kind.decode})", classes=kind.classes)


def shapes_of(data: GeneratorData) -> dict[str, Model | Enumeration]:
    """Gather what the templates need of all models and enumerations, by class name."""
    shapes: dict[str, Model | Enumeration] = {}
    for enum in data.enums:
        name, module = str(enum.class_info.name), str(enum.class_info.module_name)
        assert isinstance(enum, opc.LiteralEnumProperty)
        shapes[name] = Enumeration(name, module, plain(enum.description), sorted(enum.values))
    for model in data.models:
        name, module = str(model.class_info.name), str(model.class_info.module_name)
        required = [model_field(prop, name) for prop in model.required_properties or []]
        optional = [model_field(prop, name) for prop in model.optional_properties or []]
        classes = {name for each in (*required, *optional) for name in each.kind.classes}
        shapes[name] = Model(name, module, plain(model.description), required, optional, tuple(sorted(classes)))
    return shapes


def model_field(prop: PropertyProtocol, model: str) -> Field:
    """Gather what the template needs of one field of a model."""
    where = f"{model}.{plain(prop.name)}"
    if prop.python_name in ("from_dict", "to_dict"):
        raise Stop(f"{where}: a field cannot have this name")
    kind = kind_of(prop, where, open_enums=True)
    return Field(
        str(prop.python_name),
        plain(prop.name),
        kind if prop.required else kind.not_null or kind,
        plain(prop.description),
    )


def needed(shapes: dict[str, Model | Enumeration], start: Iterable[str]) -> set[str]:
    """Find the classes that some classes lead to, themselves included."""
    found: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(shapes[name].classes)
    return found


# From operations to files


def docstring(*blocks: str, indent: int = 4) -> str:
    """Lay out the inside of a docstring. A block that begins with a section's name has one entry a line."""
    laid_out = []
    for block in filter(None, blocks):
        lines = [safe_for_docstring(line) for line in block.splitlines()]
        if len(lines) > 1:
            width, hang = 116 - indent, {"initial_indent": "    ", "subsequent_indent": "        "}
            laid_out.append("\n".join([lines[0], *(textwrap.fill(line, width, **hang) for line in lines[1:])]))
        else:
            laid_out.append(textwrap.fill(lines[0], 116 - indent))
    text = "\n\n".join(laid_out)
    text += "\n" if "\n" in text else " " if text.endswith('"') else ""
    return textwrap.indent(text + "|", " " * indent).strip(" ")[:-1]


def section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """Make a block of a docstring out of names and what is said of them, one line each."""
    said = [f"{name}: {' '.join(text.split())}" for name, text in entries if text]
    return "\n".join([f"{title}:", *said]) if said else ""


def load(path: Path) -> dict[str, Any]:
    """Read a document and stop unless everything in it is supported."""
    document = documents.load(path)
    try:
        refuse_unsupported(document)
    except Stop as error:
        raise Stop(f"{path.name}: {error}") from error
    return document


def render_version(path: Path, templates: Environment) -> Tree:
    """Render one document into the package of its version."""
    document = load(path)
    release = document["info"]["version"]
    if path.stem != release or not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", release):
        raise Stop(f"{path.name}: info.version is {release}, but must be a version date and the name of the file")
    document = prepared(document)
    data = parsed(document)
    shapes = shapes_of(data)
    sources = {
        str(PythonIdentifier(operation["operationId"], "")): (path, operation, parameters)
        for path, _, operation, parameters in operations_of(document)
    }
    operations = [
        operation_of(endpoint, document, *sources[endpoint.name])
        for collection in data.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    ]
    operations.sort(key=lambda operation: operation.name)
    used = needed(shapes, (name for operation in operations for name in operation.classes))
    modules = {name: shapes[name].module for name in sorted(used)}

    package = PACKAGE / ("v" + release.replace("-", "_"))
    context = {"version": release, "source": f"spec/{path.name}", "modules": modules}
    files: Tree = {}

    def render(to: str, template: str, **more: object) -> None:
        files[package / to] = templates.get_template(template).render(context | more).encode()

    render("__init__.py", "version_init.py.jinja", operations=operations)
    render("api/__init__.py", "empty.py.jinja")
    render("models/__init__.py", "models_init.py.jinja")
    for operation in operations:
        render(f"api/{operation.tag}/__init__.py", "empty.py.jinja")
        render(f"api/{operation.tag}/{operation.name}.py", "endpoint_module.py.jinja", operation=operation)
    for name in used:
        shape = shapes[name]
        if isinstance(shape, Model):
            late = {other for other in shape.classes if name in needed(shapes, shapes[other].classes) and other != name}
            render(f"models/{shape.module}.py", "model.py.jinja", model=shape, late=late)
        else:
            render(f"models/{shape.module}.py", "enumeration.py.jinja", enumeration=shape)
    return files


def render_package() -> Tree:
    """Render all documents and the runtime that they share."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals.update(docstring=docstring, section=section)
    files: Tree = {PACKAGE / "py.typed": b""}
    files[PACKAGE / "__init__.py"] = templates.get_template("package_init.py.jinja").render().encode()
    for path in sorted((ROOT / "templates" / "core").glob("*.py")):
        header = f"# Copied by codegen.py from templates/core/{path.name}. Do not edit: edit that and run codegen.py.\n"
        files[PACKAGE / "_core" / path.name] = header.encode() + path.read_bytes()
    for path in sorted((ROOT / "spec").glob("*.yaml")):
        files |= render_version(path, templates)
    return formatted(files)


def formatted(files: Tree) -> Tree:
    """Let ruff sort the imports, drop the unused ones and format, in a temporary folder."""
    settings = ["--config", str(ROOT / "ruff.generated.toml"), "--no-cache", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        write(files, Path(folder))
        for command in (["check", "--fix"], ["format"]):
            ruff = [sys.executable, "-m", "ruff", *command, *settings, folder]
            run = subprocess.run(ruff, capture_output=True, text=True, check=False)  # noqa: S603
            if run.returncode:
                raise Stop(f"ruff {command[0]}: {' '.join((run.stdout + run.stderr).replace(folder, '').split())[:400]}")
        return {path: (Path(folder) / path).read_bytes() for path in files}


def write(files: Tree, root: Path) -> None:
    """Write those files that are not there yet in this form."""
    for path, content in files.items():
        target = root / path
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def on_disk(folder: Path) -> set[Path]:
    """Find all files below a folder of the repository, but for what Python itself leaves there."""
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT) for path in files}


def main() -> None:
    """Run the command line."""
    files = render_package()
    write(files, ROOT)
    for path in on_disk(PACKAGE) - set(files):
        (ROOT / path).unlink()


if __name__ == "__main__":
    main()
