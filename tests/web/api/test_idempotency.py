"""Idempotency-Key makes a POST safe to repeat, for ever."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, serving
from tests.web.api.callers import CALL, Caller, Json, Tenant, document
from tests.web.api.conformance import asking


def once(caller: Caller, path: str, body: object = None, key: str = "k") -> httpx.Response:
    """POST with an idempotency key."""
    return caller.post(path, body, headers={"idempotency-key": key})


def count(caller: Caller) -> int:
    """Return how many actions there are."""
    return int(caller.page()["meta"]["total_count"])


@pytest.mark.parametrize("sent", ["ü1".encode(), "世界".encode(), "ü1".encode("latin-1"), b"plain"])
def test_a_key_of_any_letters_is_the_same_in_a_header_and_in_a_batch(recorder: Caller, sent: bytes) -> None:
    """A header is read as UTF-8, as what is JSON is; what is none, as latin-1."""
    key = {"ü1".encode("latin-1"): "ü1"}.get(sent) or sent.decode()
    agent = {"user-agent": b"agent " + sent}
    first = recorder.post("/action/", CALL, headers=[("idempotency-key", sent), *agent.items()])
    told = recorder.post_lines("/action/", {**CALL, "idempotency_key": key})
    assert told.json()["action"] == first.json()
    assert first.json()["user_agent"] == f"agent {key}"
    assert count(recorder) == 1


@pytest.mark.parametrize("state", ["Success", "Failed", "In progress"])
def test_the_same_again_answers_what_the_first_did(recorder: Caller, state: str) -> None:
    """Status, action and header; and nothing more is recorded."""
    answers = [once(recorder, "/action/", {**CALL, "state": state}) for _ in range(3)]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert len({answer.headers["x-dockercloud-action-uri"] for answer in answers}) == 1
    assert count(recorder) == 1


@pytest.mark.parametrize("change", [{"action": "Another"}, {"state": "Failed"}, {"user": "eve"}, {"body": ""}])
def test_another_body_is_refused(recorder: Caller, change: Json) -> None:
    """422, and nothing is recorded."""
    assert once(recorder, "/action/", CALL).status_code == 201
    assert once(recorder, "/action/", {**CALL, **change}).status_code == 422
    assert count(recorder) == 1


def test_the_answer_is_the_action_as_it_then_was(recorder: Caller) -> None:
    """Not as it has become."""
    first = once(recorder, "/action/", {**CALL, "state": "In progress"})
    recorder.act(document(first), "finish", {"state": "Success"})
    again = once(recorder, "/action/", {**CALL, "state": "In progress"})
    assert (again.status_code, again.text) == (202, first.text)
    assert recorder.fetch(document(first))["state"] == "Success"


@pytest.mark.parametrize("pair", [("k", '"k"'), ('"k"', "k"), ("a b", '"a b"'), ('"a\\"b"', 'a"b')])
def test_quoted_and_bare_forms_are_the_same_key(recorder: Caller, pair: tuple[str, str]) -> None:
    """As the IETF draft writes it, and as most clients do."""
    first, again = (once(recorder, "/action/", CALL, key) for key in pair)
    assert document(first) == document(again)
    assert count(recorder) == 1


def test_other_keys_are_other_requests(recorder: Caller) -> None:
    """Keys are told apart exactly, also by their case."""
    for key in ("k", "K", "k2", "k k"):
        once(recorder, "/action/", CALL, key)
    assert count(recorder) == 4


def test_only_what_succeeded_is_remembered(recorder: Caller, operator: Caller) -> None:
    """A refusal leaves its key free: for the same request when it can succeed, and for another."""
    assert once(recorder, "/action/", {**CALL, "state": "nonsense"}).status_code == 400
    running = recorder.record(state="In progress")
    path = f"/action/{running['uuid']}/retry/"
    assert once(operator, path, key="r").status_code == 409
    recorder.act(running, "finish", {"state": "Failed"})
    assert once(operator, path, key="r").status_code == 202
    assert once(recorder, "/action/", CALL).status_code == 201


def test_it_holds_within_a_namespace(tenant: Tenant, other: Tenant) -> None:
    """Everybody in a namespace shares its keys; the same key elsewhere is another one."""
    first = once(tenant.recorder, "/action/", CALL)
    assert once(tenant.recorder, f"/{tenant.namespace}/action/", CALL).text == first.text
    elsewhere = once(other.recorder, "/action/", {**CALL, "state": "Failed"})
    assert (elsewhere.status_code, document(elsewhere)["state"]) == (201, "Failed")
    assert once(tenant.admin, f"/{other.namespace}/action/", {**CALL, "state": "Failed"}).text == elsewhere.text
    assert (count(tenant.recorder), count(other.recorder)) == (1, 1)


def test_a_cancel_can_be_repeated(recorder: Caller, operator: Caller) -> None:
    """What would be a 409 is the first answer again."""
    path = f"/action/{recorder.record(state='In progress')['uuid']}/cancel/"
    first, again = once(operator, path), once(operator, path)
    assert (first.status_code, first.text) == (202, again.text) == (again.status_code, first.text)
    assert operator.post(path).status_code == 409


def test_a_retry_can_be_repeated(recorder: Caller, operator: Caller) -> None:
    """And makes one new action."""
    path = f"/action/{recorder.record()['uuid']}/retry/"
    first, again = once(operator, path), once(operator, path)
    assert (first.status_code, first.text) == (202, again.text)
    assert count(recorder) == 2


def test_a_finish_can_be_repeated(recorder: Caller) -> None:
    """With the same state; another state is another request."""
    path = f"/action/{recorder.record(state='In progress')['uuid']}/finish/"
    first, again = once(recorder, path, {"state": "Failed"}), once(recorder, path, {"state": "Failed"})
    assert (first.status_code, first.text) == (200, again.text)
    assert once(recorder, path, {"state": "Success"}).status_code == 422


def test_an_append_can_be_repeated(recorder: Caller) -> None:
    """The lines are there once."""
    path = f"/action/{recorder.record(state='In progress')['uuid']}/logs/"
    lines = {"lines": ["one", "two"]}
    assert [once(recorder, path, lines).json() for _ in range(2)] == [{"first": 1, "count": 2}] * 2
    assert recorder.post(path, lines).json() == {"first": 3, "count": 2}


def test_a_relationship_can_be_repeated(recorder: Caller) -> None:
    """It is the 201 of the first time again, not the 200 of one that held already."""
    link = {"parent": "/p", "child": "/c"}
    assert [once(recorder, "/relationship/", link).status_code for _ in range(2)] == [201, 201]
    assert once(recorder, "/relationship/", link, "other").status_code == 200


def test_a_key_is_of_one_request_only(recorder: Caller, operator: Caller) -> None:
    """On another path, or another action, it is a 422."""
    one, two = recorder.batch({}, {})
    assert once(operator, f"/action/{one['uuid']}/retry/").status_code == 202
    assert once(operator, f"/action/{two['uuid']}/retry/").status_code == 422
    assert once(recorder, "/action/", CALL).status_code == 422


@pytest.mark.parametrize("key", ["", '""', "x" * 256])
def test_a_key_that_is_none_is_refused(recorder: Caller, key: str) -> None:
    """400: an empty one, and one that is too long to be kept for ever."""
    assert once(recorder, "/action/", CALL, key).status_code == 400
    assert count(recorder) == 0


def test_a_long_key_is_taken(recorder: Caller) -> None:
    """Up to 255 characters."""
    assert [once(recorder, "/action/", CALL, "x" * 255).status_code for _ in range(2)] == [201, 201]
    assert count(recorder) == 1


def test_twins_at_the_same_time_are_one(recorder: Caller) -> None:
    """One that arrives while the first is under way waits for it, and gets its answer."""
    with ThreadPoolExecutor(16) as pool:
        for key in ("a", "b", "c"):
            answers = list(pool.map(lambda _, key=key: once(recorder, "/action/", CALL, key), range(16)))
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.text for answer in answers}) == 1
    assert count(recorder) == 3


def test_it_holds_across_processes_and_restarts(tmp_path: Path) -> None:
    """Another server on the same store, and one that was killed and started again, know the first answer."""
    with serving(tmp_path) as server, asking(server) as client:
        tenant = Tenant(client, server.key)
        first = once(tenant.recorder, "/action/", CALL)
        server.kill()
        server.start()
        assert once(tenant.recorder, "/action/", CALL).text == first.text
        beside = Server(server.url, server.key)
        try:
            with asking(beside) as other:
                there = Caller(other, tenant.recorder.user, tenant.recorder.key)
                assert once(there, "/action/", CALL).text == first.text
                assert once(there, "/action/", {**CALL, "state": "Failed"}).status_code == 422
                second = once(there, "/action/", CALL, "second")
        finally:
            beside.kill()
        assert once(tenant.recorder, "/action/", CALL, "second").text == second.text
        assert count(tenant.recorder) == 2
