"""Sphinx extension that generates the reference of keys, components and cards from the package."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from command_reference import command_line

from restorekit.components.component_records import Description
from restorekit.components.kinds import CATALOGUES, REGISTRIES
from restorekit.config.json_schema import json_schema
from restorekit.weights import named_weights, read_card
from restorekit.weights.card_words import call_text, in_words


def configuration() -> str:
    """Return the keys of config.json as Markdown tables."""
    schema = json_schema()
    top = schema["properties"]
    train = schema["$defs"]["TrainSettings"]["properties"]
    required = schema["required"]
    return (
        "## At the top\n\n"
        + _keys({key: value for key, value in top.items() if key != "train"}, required)
        + "\n## Under `train`\n\n"
        + _keys(train, ())
    )


def components() -> str:
    """Return every component with its arguments as Markdown."""
    parts = []
    for registry in REGISTRIES.values():
        parts.append(f"## {registry.title}\n")
        parts += [_component(registry.describe(name)) for name in registry.names()]
    return "\n".join(parts)


def hooks() -> str:
    """The hook of each kind with what its components must do, as a Markdown table."""
    rows = [(f"`{each.hook}`", each.contract) for each in CATALOGUES.values()]
    return _table(("hook", "its components"), rows)


def shortcuts() -> str:
    """The names that `restorekit` has for each kind, as a Markdown table."""
    rows = [
        (f"`{each.plural}`", f"`create_{each.kind}(name, **arguments)`", f"`list_{each.plural}()`")
        for each in REGISTRIES.values()
    ]
    return _table(("registry", "makes a component", "lists the names"), rows)


def weights() -> str:
    """Return the model cards of the bundled weights as Markdown."""
    return "\n".join(_card(name, path) for name, path in sorted(named_weights().items()))


def _card(name: str, path: Path) -> str:
    card = read_card(path)
    rows = [
        ("noise", card["noise_range"]),
        ("network", f"`{call_text(card['model'])}`, {card['parameters']:,} parameters"),
        ("trained on", f"{card['training_data']} ({in_words(card['licenses'])})"),
        ("recipe", f"`{card['recipe']}`"),
        ("licence of the weights", card["license"]),
        ("limits", card["limits"]),
        *((f"PSNR on {data}", _figures(psnr)) for data, psnr in card["psnr"].items()),
        ("measured by", card["measured"]),
    ]
    return f"### {name}\n\n{card['purpose']}\n\n{_table(('', ''), rows)}"


def _figures(psnr: Mapping[str, float]) -> str:
    return "; ".join(f"{noise}: {value:.2f} dB" for noise, value in psnr.items())


def _keys(properties: Mapping[str, Any], required: Iterable[str]) -> str:
    rows = [
        (
            f"`{key}`",
            _type(schema),
            "required" if key in required else f"`{_default(schema)}`",
            schema.get("description", ""),
        )
        for key, schema in properties.items()
    ]
    return _table(("key", "type", "default", "meaning"), rows)


def _component(found: Description) -> str:
    reference = f"Reference: {_linked(found.reference)}" if found.reference else ""
    rows = [
        (
            f"`{argument.name}`",
            f"`{argument.type}`",
            "required" if argument.required else f"`{json.dumps(argument.default)}`",
            argument.description,
        )
        for argument in found.arguments
    ]
    table = _table(("argument", "type", "default", "meaning"), rows) if rows else "No arguments.\n"
    # The first line of the docstring is a longer form of the summary.
    own = found.target.startswith("restorekit.")  # another library's docstring is not Markdown
    prose = _prose(found.doc) if own else ""
    parts = [f"### `{found.name}`", prose or found.summary, table, reference]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prose(doc: str) -> str:
    """Convert a Google-style docstring to Markdown, without its arguments."""
    doc = re.sub(r"^Args:\n(?:[ \t]+.*\n?|\n)*", "", doc, flags=re.MULTILINE)
    doc = re.sub(r"^Reference: .*\n", "", doc, flags=re.MULTILINE)
    paragraphs = [
        _section(*match.groups())
        if (match := re.fullmatch(r"(Attributes|Raises|Returns):\n((?:[ \t]+.*\n?)+)", block))
        else _linked(block)
        for block in re.split(r"\n{2,}", doc.strip())
    ]
    return "\n\n".join(paragraphs)


def _section(title: str, body: str) -> str:
    entries = re.sub(r"\n +(?! )", "\n", inspect.cleandoc(body).replace("\n    ", " "))
    items = [re.sub(r"^(\w+): ", r"`\1`: ", line) for line in entries.splitlines()]
    return "\n".join([f"{title}:", "", *(f"- {_linked(item)}" for item in items)])


def _type(schema: Mapping[str, Any]) -> str:
    """Describe the type of a key."""
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in schema["enum"])
    if schema.get("$ref") or _is_component(schema):
        return "[component](components.md)" + (
            " or null" if {"type": "null"} in schema.get("anyOf", ()) else ""
        )
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(choice) for choice in schema["anyOf"]))
    if "prefixItems" in schema:
        return "[" + ", ".join(_type(item) for item in schema["prefixItems"]) + "]"
    named = {"object": "map", "array": "list"}
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]}" for key, sign in bounds.items() if key in schema]
    return " ".join([named.get(schema["type"], schema["type"]), ", ".join(limits)]).strip()


def _is_component(schema: Mapping[str, Any]) -> bool:
    return any("const" in choice or "title" in choice for choice in schema.get("anyOf", ()))


def _default(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema.get("default"))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def _linked(text: str) -> str:
    """Turn addresses into links, without a full stop or an unpaired bracket after them."""
    return re.sub(r"(https?://(?:\([^\s()]*\)|[^\s()])*(?<![.,;:]))", r"<\1>", text)


def _write(app: Any) -> None:
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    for write in (configuration, components, hooks, shortcuts, weights, command_line):
        path, text = folder / f"{write.__name__}.md", write()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Generate the files before Sphinx reads the pages."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}
