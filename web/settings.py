"""How Deedbook is configured: one frozen object, made from options or `DEEDBOOK_…` variables."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from deedbook.domain.errors import StoreUnusable

#: Where the store is unless said otherwise: below the folder that `deedbook` is started in.
DEFAULT_URL = "sqlite:///data/log.db"


class Settings(Struct, frozen=True, kw_only=True):
    """url: the store; newest_first: the default order of lists; trusted_proxies: whose X-Forwarded-For counts.

    streams_per_key: open streams that one API key may have; slow_follower: seconds that a follower may leave a frame
    unread; queue: commands that may wait to be recorded.
    """

    url: str = DEFAULT_URL
    newest_first: bool = False
    trusted_proxies: tuple[str, ...] = ()
    streams_per_key: int = 2000
    slow_follower: float = 10.0
    queue: int = 10_000

    @property
    def store_path(self) -> Path:
        """The file of the embedded store; raises `StoreUnusable` where the URL names none."""
        return path_of(self.url)

    @property
    def engine(self) -> str:
        """The kind of store: the scheme of its URL."""
        return urlsplit(self.url).scheme

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The trusted proxies as networks; raises ValueError."""
        return tuple(ip_network(proxy) for proxy in self.trusted_proxies)


def path_of(url: str) -> Path:
    """Return the path that `sqlite:///relative/log.db` or `sqlite:////absolute/log.db` names."""
    parts = urlsplit(url)
    path = unquote(parts.path)[1:]
    if parts.scheme != "sqlite" or parts.netloc or not path:
        raise StoreUnusable(
            "DEEDBOOK_URL names the store as sqlite:///relative/log.db or sqlite:////absolute/log.db"
            f" (three or four slashes), not {_without_password(url)}."
        )
    return Path(path)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=f"{parts.username or ''}:***@{parts.hostname or ''}").geturl()
