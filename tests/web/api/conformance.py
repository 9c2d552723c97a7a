"""Holds every answer that a test gets against /openapi.json, where its status, headers and body are described."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx
from openapi_schema_validator import OAS31Validator

from deedbook.web.paths import ROOT, canonical
from tests.support.server import Server
from tests.web.api.callers import Json

#: In pictures of paths, where an id stands.
_HOLE = re.compile(r"\{\w+\}")


@contextmanager
def asking(server: Server, address: str | None = None) -> Iterator[httpx.Client]:
    """Give a client that takes no answer but what the server describes; it asks from a loopback `address`."""
    description = httpx.get(f"{server.address}/openapi.json", timeout=60).json()
    hooks = {"response": [Conformance(description).check]}
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(base_url=server.api, timeout=60, event_hooks=hooks, transport=transport) as client:
        yield client


class Conformance:
    """What `/openapi.json` says, as a check of answers; `seen` are the operations and statuses that were checked."""

    def __init__(self, description: Json) -> None:
        self._components = {kind: dict(parts) for kind, parts in description["components"].items()}
        # Stricter than what is published: an answer holds no key that its schema does not name.
        self._components["schemas"] = {
            name: {**schema, "additionalProperties": False} if "properties" in schema else schema
            for name, schema in self._components["schemas"].items()
        }
        self._paths = {
            re.compile(_HOLE.sub("[^/]+", path.rstrip("/"))): (path, operations)
            for path, operations in description["paths"].items()
        }
        self._validators: dict[str, Any] = {}
        self.seen: set[tuple[str, str, int]] = set()

    def check(self, answer: httpx.Response) -> None:
        """Assert that an answer is as described; a hook of httpx."""
        answer.read()
        said = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}"
        assert answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, said
        is_page = answer.headers["content-type"].startswith("text/html")
        if is_page and not answer.request.url.path.startswith(f"{ROOT}/"):
            return
        described = self._described(answer)
        assert described is not None, f"this status is not described: {said}"
        for name, about in described.get("headers", {}).items():
            assert name in answer.headers or not self._resolved(about)["required"], f"{name} is missing: {said}"
        content = described.get("content", {})
        media = answer.headers["content-type"].partition(";")[0]
        assert media in content, f"this media type is not described: {said}"
        if answer.request.method != "HEAD":
            for value in _values(answer.text, media):
                self._validate(content[media]["schema"], value, said)
        if answer.is_error and answer.request.method != "HEAD" and media == "application/json":
            _check_sentence(answer, said)

    def _described(self, answer: httpx.Response) -> Json | None:
        method = answer.request.method.lower().replace("head", "get")
        path, operations = self._operations(answer.request.url.path)
        if method in operations:
            self.seen.add((path, method, answer.status_code))
            responses = operations[method]["responses"]
            return self._resolved(responses[key]) if (key := str(answer.status_code)) in responses else None
        expected = HTTPStatus.METHOD_NOT_ALLOWED if operations else HTTPStatus.NOT_FOUND
        error = self._components["responses"]["Error404"]
        return {"content": error["content"]} if answer.status_code == expected else None

    def _operations(self, path: str) -> tuple[str, Json]:
        asked = canonical(path)[0]
        return next((found for picture, found in self._paths.items() if picture.fullmatch(asked)), (path, {}))

    def _resolved(self, part: Json) -> Json:
        if "$ref" not in part:
            return part
        _, _, kind, name = part["$ref"].split("/")
        found = self._components[kind][name]
        assert isinstance(found, dict)
        return found

    def _validate(self, schema: Json, instance: object, said: str) -> None:
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = OAS31Validator({**schema, "components": self._components})
        wrong = next(self._validators[key].iter_errors(instance), None)
        assert wrong is None, f"{wrong} in {said}"


def _values(text: str, media: str) -> list[object]:
    """Return what a body holds: of NDJSON, one value a line."""
    if media in ("text/plain", "text/csv"):
        return [text]
    return [json.loads(line) for line in (text.splitlines() if media.endswith("ndjson") else [text])]


def _check_sentence(answer: httpx.Response, said: str) -> None:
    """Assert that an error is a sentence in ASCII; `/health` alone tells its 503 as a report."""
    told = answer.json()
    if "live" in told:
        return
    sentence = told["error"]
    assert list(told) == ["error"], said
    assert sentence.isascii(), said
    assert re.fullmatch(r"\S.*\.", sentence, re.DOTALL), said
    assert "Traceback" not in sentence, said
