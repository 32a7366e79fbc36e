"""On the path of a Python process, this refuses every address but local ones, threads included, and writes down who
asked for one.

Python imports a module of this name at its start. `AUDIOFT_ATTEMPTS` names the file to which attempts are added.
"""

import os
import socket
import sys
import traceback

SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg")
ASKING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
WATCHED = {*SENDING, *ASKING}
LOCAL = {None, "", b"", "localhost", "::1", "0.0.0.0", "::", socket.gethostname()}


def is_local(host: object) -> bool:
    """Whether an address stays on this machine."""
    return host in LOCAL or str(host).startswith(("127.", "::ffff:127."))


def watch(event: str, arguments: tuple) -> None:
    """An audit hook: Python calls it for each event of its socket module, in every thread."""
    if event not in WATCHED:  # hundreds of thousands of others are imports and files
        return
    if event in SENDING:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a text is a local socket's path
    else:
        host = arguments[0]
    if is_local(host):
        return
    place = os.environ.get("AUDIOFT_ATTEMPTS")
    if place:
        with open(place, "a", encoding="utf-8") as file:
            file.write(f"{event} {host!r} by {' '.join(sys.argv)}\n{''.join(traceback.format_stack(limit=8))}\n")
    raise OSError(f"no network in a test: {event} {host!r}")


sys.addaudithook(watch)
