"""The socket that a server takes requests from."""

import socket


class PortTaken(Exception):
    """The address can't be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises `PortTaken`. Port 0 is any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise PortTaken(
            f"Can't listen on {host}:{port} ({error.strerror}); stop what uses it, or take another with --port."
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address that a browser on this machine reaches it by."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
