"""Keys: which API keys there are, issuing one, which is shown once, and revoking one, after asking."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.keys import NAMESPACE_PATTERN, RESERVED_NAMESPACES, ApiKey, Role
from deedbook.domain.log import EventLog
from deedbook.web.call import Reply
from deedbook.web.console.templating import Templates, see_other
from deedbook.web.console.visit import Visit
from deedbook.web.keys import Issued, Keys, told
from deedbook.web.problems import Problem, not_found
from deedbook.web.wire import KeyRequest

#: At the most so many keys stand on a page; a search finds the others.
_MOST = 500

_USER = 256

#: What each role is for, shown where one is chosen.
ROLES: Sequence[tuple[Role, str]] = (
    (Role.AUDITOR, "reads"),
    (Role.OPERATOR, "reads, cancels, retries, finishes"),
    (Role.RECORDER, "reads and records"),
    (Role.ADMIN, "everything, in every namespace"),
)


class Asked(NamedTuple):
    """A key as a form asks for it; `id` is the form's own, so that a form that is sent twice issues one key."""

    user: str = ""
    namespace: str = ""
    role: str = str(Role.AUDITOR)
    id: str = ""


class KeysPage(NamedTuple):
    """Shows every key but its secret."""

    templates: Templates
    log: EventLog
    keys: Keys

    async def page(self, visit: Visit) -> Reply:
        """List the keys, newest first, of the namespace that is looked at."""
        return self._shown(visit, Asked(namespace=visit.home))

    async def issue(self, visit: Visit) -> Reply:
        """Issue a key; this answer is the only place where its secret ever stands."""
        form = await visit.form()
        asked = Asked(*(form.get(name, "").strip() for name in Asked._fields))
        sentence = wrong(asked)
        if sentence is not None:
            return self._shown(visit, asked, sentence, status=400)
        key = UUID(asked.id)
        if any(key == known.id for known in self.log.api_keys()):
            raise Problem(
                409, "This form was sent already, and its key was shown then; revoke that one and issue another."
            )
        issued = await self.keys.issued(KeyRequest(asked.user, asked.namespace, Role(asked.role)), visit.caller, key)
        return self._shown(visit, Asked(namespace=asked.namespace), issued=issued, status=201)

    async def ask_to_revoke(self, visit: Visit) -> Reply:
        """Ask whether a key shall be revoked, saying what that means."""
        key = self._named(visit)
        valid = [one for one in self.log.api_keys() if one.revoked is None]
        return self.templates.reply(
            "revoke.html",
            visit=visit,
            here="/keys",
            title="Revoke a key",
            key=told(key),
            is_own=key.id == visit.key.id,
            is_last_admin=[one.id for one in valid if one.role is Role.ADMIN] == [key.id],
        )

    async def revoke(self, visit: Visit) -> Reply:
        """Revoke a key, at once and for ever."""
        await visit.form()
        await self.keys.revoked(self._named(visit).id, visit.caller)
        return see_other(visit.link("/keys"))

    def _named(self, visit: Visit) -> ApiKey:
        text = visit.scope["path_params"]["id"]
        for key in self.log.api_keys():
            if str(key.id) == text:
                return key
        raise not_found(f"API key {text}")

    def _shown(
        self,
        visit: Visit,
        asked: Asked,
        sentence: str | None = None,
        *,
        issued: Issued | None = None,
        status: int = 200,
    ) -> Reply:
        words = visit.asked.get("q", [""])[-1]
        has_revoked = "revoked" in visit.asked
        among = [key for key in self.log.api_keys() if visit.namespace in (None, key.namespace)]
        found = [key for key in reversed(among) if (has_revoked or key.revoked is None) and _fits(key, words)]
        return self.templates.reply(
            "keys.html",
            status,
            visit=visit,
            here="/keys",
            title="Keys",
            keys=[told(key) for key in found[:_MOST]],
            found=len(found),
            revoked=sum(key.revoked is not None for key in among),
            has_revoked=has_revoked,
            words=words,
            own=str(visit.key.id),
            roles=ROLES,
            asked=asked._replace(id=str(self.keys.new_id())),
            sentence=sentence,
            issued=issued,
        )


def _fits(key: ApiKey, words: str) -> bool:
    text = f"{key.user} {key.namespace} {key.role} {key.id}".casefold()
    return all(word in text for word in words.casefold().split())


def wrong(asked: Asked) -> str | None:
    """Return what is wrong with a form, in words for who filled it in; None where nothing is."""
    if not 1 <= len(asked.user) <= _USER or ":" in asked.user:
        return f"A user has 1 to {_USER} characters, and no colon among them."
    if not re.fullmatch(NAMESPACE_PATTERN, asked.namespace):
        return (
            "A namespace has 1 to 63 letters, digits, dots, dashes and underscores, and begins with a letter or digit."
        )
    if asked.namespace in RESERVED_NAMESPACES:
        return f"No key is given the namespace {asked.namespace}: the paths of the API need that name."
    if asked.role not in set(Role):
        return f"A key has one of the roles {', '.join(Role)}."
    try:
        UUID(asked.id)
    except ValueError:
        return "The form was not whole; it is now: send it again."
    return None
