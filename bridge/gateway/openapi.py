"""The description of all routes (OpenAPI 3.1), made from the route table, and the page that shows it."""

from __future__ import annotations

import inspect
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any, Final, TypeAlias

import msgspec

from bridge import __version__, flat
from bridge.errors import BadRequest, NotAllowed, NotAuthentic, Rejected, TooLarge
from bridge.gateway.endpoint import Call, Endpoint, Raw, Stream
from bridge.gateway.examples import Shown
from bridge.gateway.refusal import Refusal

_Examples: TypeAlias = Mapping[Callable[..., Any], Shown]
_REFERENCE: Final = "#/components/schemas/{name}"
_FLAT: Final = {"$ref": "#/components/schemas/FlatAnswer"}
_WORDS: Final = {
    "found": ["true", "false"],
    "match": ["exact", "account", "ambiguous", "none"],
    "value_tier": ["platinum", "gold", "silver", "bronze", "unknown"],
    "priority": ["1", "2", "3", "4", "5"],
    "risk_band": ["critical", "high", "medium", "low", "unknown"],
    "preferred_channel": ["voice", "email", "sms", "chat", "letter", "unknown"],
    "open_case": ["true", "false"],
    "consent_voice": ["granted", "denied", "unknown", ""],
    "degraded": ["true", "false"],
    "schema": [flat.SCHEMA],
}


def describe(endpoints: Sequence[Endpoint], examples: _Examples) -> dict[str, Any]:
    """The OpenAPI document of `endpoints`."""
    shown = {endpoint: examples.get(endpoint.serve, Shown()) for endpoint in endpoints}
    types = [
        one
        for endpoint in endpoints
        for one in (*_types(endpoint).values(), *([shown[endpoint].shape] if shown[endpoint].shape else ()))
    ]
    schemas, components = msgspec.json.schema_components([*types, Refusal], ref_template=_REFERENCE)
    by_type = dict(zip(map(id, types), schemas, strict=False))
    components["FlatAnswer"] = _flat_schema()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(
            endpoint, shown[endpoint], by_type, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Retention Bridge",
            "version": __version__,
            "description": "Who is calling, how likely they are to leave, what they are worth, what to say.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "the key as password"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _types(endpoint: Endpoint) -> dict[str, Any]:
    return {name: kind for name, kind in endpoint.types().items() if kind not in (Raw, Stream)}


def _operation(
    endpoint: Endpoint, shown: Shown, schemas: dict[int, dict[str, Any]], components: dict[str, Any]
) -> dict[str, Any]:
    types = _types(endpoint)
    room = endpoint.serve.__module__.rpartition(".")[2]
    text = inspect.getdoc(endpoint.serve) or ""
    operation: dict[str, Any] = {
        "operationId": f"{room}_{endpoint.serve.__name__}",
        "summary": re.split(r"[.:] ", text.split("\n")[0])[0].rstrip("."),
        "description": text,
        "tags": [room],
        "responses": _responses(endpoint, shown, schemas.get(id(shown.shape or types.get("return")))),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        | ({"example": shown.path[name]} if name in shown.path else {})
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    if "query" in types:
        parameters += _parameters(schemas[id(types["query"])], components, shown.query)
    parameters += [{"name": name, "in": "header", "schema": {"type": "string"}} for name in shown.headers]
    if parameters:
        operation["parameters"] = parameters
    if "body" in types:
        content = {"schema": schemas[id(types["body"])], "example": shown.body}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif shown.body_types:
        content = {"schema": {"type": "object"}, "example": shown.body}
        operation["requestBody"] = {"required": False, "content": dict.fromkeys(shown.body_types, content)}
    if endpoint.scopes is not None:
        operation["security"] = [{"bearer": []}, {"basic": []}, {"header": []}]
        operation["description"] += f"\n\nScope: {' or '.join(sorted(endpoint.scopes))}."
    return operation


def _parameters(reference: dict[str, Any], components: dict[str, Any], example: dict[str, str]) -> list[dict[str, Any]]:
    schema = components[reference["$ref"].rpartition("/")[2]]
    found = []
    for name, kind in schema["properties"].items():
        # what may be left out is never sent as null in a query
        kinds = [one for one in kind.get("anyOf", [kind]) if one.get("type") != "null"]
        one = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": kinds[0]}
        found.append(one | ({"example": example[name]} if name in example else {}))
    return found


def _responses(endpoint: Endpoint, shown: Shown, answer: dict[str, Any] | None) -> dict[str, Any]:
    content: dict[str, Any] = {kind: {} for kind in shown.answer_types}
    if "application/json" in content:
        schema = _FLAT if shown.flat else answer
        content["application/json"] = ({"schema": schema} if schema is not None else {}) | (
            {"example": shown.answer} if shown.answer is not None else {}
        )
    done: dict[str, Any] = {"description": "Done."}
    responses = {"200": done | ({"content": content} if content else {})}
    types = endpoint.types()
    refusals: set[type[Rejected]] = set(endpoint.raises)
    if endpoint.scopes is not None:
        refusals |= {NotAuthentic, NotAllowed}
    if "query" in types or "body" in types or shown.body_types:
        refusals.add(BadRequest)
    if "body" in types or shown.body_types:
        refusals.add(TooLarge)
    for refusal in sorted(refusals, key=lambda one: one.status):
        responses[str(refusal.status)] = {
            "description": inspect.getdoc(refusal),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        }
    return responses | {status: {"description": text} for status, text in shown.also.items()}


def _flat_schema() -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for key in flat.KEYS:
        properties[key.name] = {"type": "string", "maxLength": max(key.limit, 300) if key.token else key.limit}
        if key.name in _WORDS:
            properties[key.name]["enum"] = _WORDS[key.name]
        if key.sight == "agent":
            properties[key.name]["description"] = 'Agent scope; "" for others.'
    return {
        "type": "object",
        "description": "Flat: every key is always there, every value is a string.",
        "properties": properties,
        "required": list(flat.NAMES),
    }


_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#111}"
    "section{border-top:1px solid #ccc;padding:.5rem 0}h2{font-size:1rem;font-family:ui-monospace,monospace}"
    "pre{background:#f4f4f4;padding:.75rem;overflow:auto;white-space:pre-wrap}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#151515}pre{background:#222}}"
)
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def draw(document: dict[str, Any]) -> bytes:
    """The document as a page of its own: no script, nothing loaded from elsewhere."""
    parts = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<section><h2>{method.upper()} {escape(path)}</h2>")
            parts += [f"<p>{escape(text)}</p>" for text in operation["description"].split("\n\n")]
            names = [f"{one['name']} ({one['in']})" for one in operation.get("parameters", ())]
            if names:
                parts.append(f"<p>Parameters: {escape(', '.join(names))}</p>")
            for title, content in (
                ("Body", operation.get("requestBody", {}).get("content", {})),
                ("Answer", operation["responses"]["200"].get("content", {})),
            ):
                example = content.get("application/json", {}).get("example")
                if example is not None:
                    shown = msgspec.json.format(msgspec.json.encode(example)).decode()
                    parts.append(f"<p>{title}</p><pre>{escape(shown)}</pre>")
            parts.append("</section>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Retention Bridge: API</title><style>{_STYLE}</style></head><body><h1>Retention Bridge: API</h1>"
        '<p>The same for machines: <a href="/openapi.json">openapi.json</a></p>'
        f"{''.join(parts)}</body></html>"
    ).encode()


class Description:
    """Both forms, made once."""

    def __init__(self, endpoints: Sequence[Endpoint], examples: _Examples) -> None:
        document = describe(endpoints, examples)
        self._json = msgspec.json.encode(document)
        self._page = draw(document)

    async def document(self, call: Call) -> Raw:
        """This API for machines, in OpenAPI 3.1."""
        return Raw(self._json)

    async def page(self, call: Call) -> Raw:
        """This API for people."""
        return Raw(
            self._page, "text/html; charset=utf-8", headers=((b"content-security-policy", _POLICY.encode("ascii")),)
        )
