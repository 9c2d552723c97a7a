"""What a page of actions was asked for: each of its filters as a chip, and the links to the questions next to it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from deedbook.projections.dates import iso8601
from deedbook.web.dates import parse_date
from deedbook.web.paths import ROOT

#: What each filter of the list is called for its readers, in the order in which they are shown.
LABELS: Mapping[str, str] = {
    "q": "Text", "state": "State", "action": "Operation", "user": "User", "object": "Object",
    "include_related": "Related", "method": "Method", "ip": "Address", "user_agent": "Agent",
    "is_user_action": "Triggered by", "uuid": "Id", "uuid__startswith": "Id begins with",
    "start_date__gte": "Started from", "start_date__lte": "Started until",
    "end_date__gte": "Ended from", "end_date__lte": "Ended until",
}  # fmt: skip

#: What a value is called where it is not shown as it is.
_WORDS: Mapping[tuple[str, str], str] = {
    ("include_related", "true"): "with all related objects",
    ("include_related", "false"): "without related objects",
    ("is_user_action", "true"): "people",
    ("is_user_action", "false"): "the system",
}

#: Where one is in a list: another question begins at its beginning again.
_PLACES = frozenset({"cursor", "offset"})

Asked = Mapping[str, list[str]]


class Chip(NamedTuple):
    """One filter that is active; `without` is the page without it."""

    label: str
    value: str
    is_date: bool
    without: str


class Filters(NamedTuple):
    """The question of a page at `path`, in a namespace or (None) all; `asked` has no empty values."""

    path: str
    namespace: str | None
    asked: Asked

    @property
    def is_any(self) -> bool:
        """Tell whether anything is filtered at all."""
        return any(name in LABELS for name in self.asked)

    @property
    def chips(self) -> Sequence[Chip]:
        """The filters that are active, each value by itself."""
        return [
            Chip(label, _WORDS.get((name, value.lower()), value), "date__" in name, self.without(name, value))
            for name, label in LABELS.items()
            for value in self.asked.get(name, ())
        ]

    @property
    def query(self) -> str:
        """The filters, order and moment as a query string, as they are saved."""
        return urlencode(self._kept("limit"), doseq=True)

    @property
    def cleared(self) -> str:
        """The page without any filter, still of its moment and in its order."""
        return self._link(self._kept(*LABELS))

    @property
    def present(self) -> str:
        """The same page, as it is now."""
        return self._link(self._kept("as_of"))

    def one(self, name: str) -> str:
        """Return the value of a filter that has one, empty where it is not asked for."""
        return self.asked.get(name, ("",))[-1]

    def date(self, name: str) -> str:
        """Return the value of a filter by date as a field for dates has it: in UTC, without saying so."""
        return for_field(parse_date(self.one(name))) if name in self.asked else ""

    def all(self, name: str) -> Sequence[str]:
        """Return the values of a filter."""
        return self.asked.get(name, ())

    def others(self, *names: str) -> Sequence[tuple[str, str]]:
        """Return all that a form with fields of its own for `names` must carry along."""
        own = self._kept(*names)
        scope = {} if self.namespace is None else {"namespace": [self.namespace]}
        return [(name, value) for name, values in {**scope, **own}.items() for value in values]

    def without(self, name: str, value: str) -> str:
        """Return the page without one value of a filter; the related ones of an object go with it."""
        kept = self._kept("include_related") if name == "object" else self._kept()
        kept[name] = [other for other in kept[name] if other != value]
        return self._link(kept)

    def changed(self, **values: str | int | None) -> str:
        """Return the page with other values, None for none, from its beginning on."""
        return self._link(self._kept(*values) | _given(values))

    def there(self, path: str, **more: str | int | None) -> str:
        """Return another path of the console that is asked the same."""
        return self._replace(path=path).changed(**more)

    @property
    def events(self) -> str:
        """The path of the stream of all that happens in the namespace."""
        return f"{self._root}/events/"

    def api(self, path: str = "action/", **more: str | int | None) -> str:
        """Return the path and query of the API that is asked the same."""
        return _url(f"{self._root}/{path}", self._kept(*more) | _given(more))

    @property
    def _root(self) -> str:
        return ROOT if self.namespace is None else f"{ROOT}/{self.namespace}"

    def _kept(self, *names: str) -> dict[str, list[str]]:
        left = _PLACES.union(names)
        return {name: values for name, values in self.asked.items() if name not in left}

    def _link(self, asked: Asked) -> str:
        scope = {} if self.namespace is None else {"namespace": [self.namespace]}
        return _url(self.path, {**scope, **asked})


def for_field(date: int) -> str:
    """Return a date, in microseconds since the epoch, as a field for dates has it."""
    return iso8601(date).removesuffix("Z")


def _given(values: Mapping[str, str | int | None]) -> dict[str, list[str]]:
    return {name: [str(value)] for name, value in values.items() if value is not None}


def _url(path: str, asked: Asked) -> str:
    query = urlencode(asked, doseq=True)
    return f"{path}?{query}" if query else path
