"""What lists are asked: each question as the query string of a request; and what its answer costs by the issue."""

from urllib.parse import parse_qs

from deedbook.projections.action_query import ActionQuery
from deedbook.web import list_query
from tests.benchmarks.filling import NAMESPACE
from tests.support.objects import stack

#: A page costs what it returns, however many actions there are.
FLAT = {
    "first page": "",
    "newest first": "order_by=-start_date",
    "state": "state=Failed",
    "user": "user=user7",
    "action": "action=Stack+Update",
    "method": "method=GET",
    "ip": "ip=203.0.113.9",
    "user_agent": "user_agent=curl%2F8.5.0",
    "is_user_action": "is_user_action=true",
    "object": f"object={stack(3)}",
    "include_related": f"object={stack(3)}&include_related=true",
    "start_date from": "start_date__gte=2023-11-14T22:30:00Z",
    "start_date between": "start_date__gte=2023-11-14T22:30:00Z&start_date__lte=2023-11-15T00:30:00Z",
    "start_date to, newest first": "start_date__lte=2023-11-15T00:30:00Z&order_by=-start_date",
    "state, start_date from": "state=Failed&start_date__gte=2023-11-14T22:30:00Z",
    "state, action": "state=Failed&action=Stack+Update",
    "state, method": "state=Failed&method=GET",
    "action, method": "action=Stack+Update&method=GET",
    "action, user_agent": "action=Stack+Update&user_agent=curl%2F8.5.0",
    "user, method": "user=user7&method=GET",
    "user, user_agent": "user=user7&user_agent=curl%2F8.5.0",
    "include_related, action": f"object={stack(3)}&include_related=true&action=Stack+Update",
}

#: Not flat by nature; `{uuid}` stands for the first digits of an action, `{middle}` for a position, `{end}` for a date.
UNEVEN = {
    "uuid__startswith": "uuid__startswith={uuid}",
    "end_date from": "end_date__gte={end}",
    "end_date to": "end_date__lte={end}",
    "end_date between": "end_date__gte={end}&end_date__lte={end}",
    "one word, few have it": "q=user77",
    "one word, many have it": "q=deploy",
    "two words": "q=scale+user13",
    "as_of": "as_of={middle}",
    "as_of, state": "state=Failed&as_of={middle}",
    "as_of, user": "user=user7&as_of={middle}",
    "user and ip, one in 50,000": "user=user7&ip=203.0.113.9",
    "user and object, next to none": f"user=user7&object={stack(49)}",
    "action and method, none": "action=Node+Create&method=GET",
    "action, method and state, none": "action=Node+Create&method=GET&state=Failed",
}


def parsed(question: str) -> ActionQuery:
    """Return what a request asks the views."""
    parameters = parse_qs(question)
    as_of = parameters.get("as_of")
    moment = int(as_of[0]) if as_of else None
    return list_query.parse(parameters, NAMESPACE, moment, newest_first=False, look=list_query.LOOK)
