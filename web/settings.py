"""How Deedbook is configured: one frozen object, made from options or `DEEDBOOK_…` variables."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from msgspec import Struct

#: Where the store is unless said otherwise: below the folder that `deedbook` is started in.
DEFAULT_URL = "sqlite:///data/log.db"

#: Where the views of a store go that is not in a folder itself.
DEFAULT_VIEWS = Path("data")


class Settings(Struct, frozen=True, kw_only=True):
    """url: the store; views: the folder of this node's views, beside the store's file or in `data` where it is None.

    newest_first: the default order of lists; trusted_proxies: whose X-Forwarded-For counts.

    streams_per_key: open streams that one API key may have; slow_follower: seconds that a follower may leave a frame
    unread; queue: commands that may wait to be recorded; session_secret: what signs the console's cookies, None for
    one that is made and kept beside the store; read_url: a replica of the store, which is read from as far as it goes.
    snapshots: a folder that nodes share, where they leave the views every `snapshot_events` events or
    `snapshot_minutes` minutes.
    """

    url: str = DEFAULT_URL
    views: Path | None = None
    newest_first: bool = False
    trusted_proxies: tuple[str, ...] = ()
    streams_per_key: int = 2000
    slow_follower: float = 10.0
    queue: int = 10_000
    session_secret: str | None = None
    read_url: str | None = None
    snapshots: Path | None = None
    snapshot_events: int = 100_000
    snapshot_minutes: float = 60.0

    @property
    def engine(self) -> str:
        """The kind of store: the scheme of its URL."""
        scheme = self.url.partition(":")[0]
        return "postgresql" if scheme == "postgres" else scheme

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The trusted proxies as networks; raises ValueError."""
        return tuple(ip_network(proxy) for proxy in self.trusted_proxies)
