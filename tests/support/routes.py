"""Which routes are the API's, and which are pages for browsers."""

from starlette.routing import Route, WebSocketRoute

from deedbook.web.console.assets import Assets
from deedbook.web.console.page import OpenPage, Page


def is_page(route: Route | WebSocketRoute) -> bool:
    """Tell whether a route is the console's: its pages are for people, and described to nobody."""
    return isinstance(route.endpoint, Page | OpenPage | Assets)
