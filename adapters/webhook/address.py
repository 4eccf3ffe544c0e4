"""Where actions may be sent: to https addresses of the open internet, and to those own hosts that were named."""

from __future__ import annotations

import asyncio
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from bridge.errors import VendorRefused

_OWN = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa")
"""Last parts of names that no public host has."""


def problem_of(url: str, allowed: frozenset[str]) -> str:
    """What is wrong with `url` as an address to send to; "" where nothing is. `allowed` hosts may be private."""
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is no address"
    if re.search(r"[\s\\]", url) or parts.scheme not in ("https", "http") or not host:
        return "is no address that begins with https://"
    if parts.username is not None or parts.fragment:
        return "holds a user, password or #; use the setting authorization for what authorises"
    if host in allowed:
        return ""
    if parts.scheme != "https":
        return "begins with http://, which only hosts named in private_hosts may"
    if _is_own(host):
        return f"leads to {host}, which is no public host; name it in private_hosts if that is meant"
    return ""


async def refuse_private(source: str, url: str, allowed: frozenset[str]) -> None:
    """Raise VendorRefused where the name in `url` now stands for an address of one's own network.

    A name that stands for nothing is left to the call itself, which then fails.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if host in allowed:
        return
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return
    if any(not _is_public(ip_address(str(place[0]).partition("%")[0])) for *_, place in found):
        what = "url leads into a private network; name its host in private_hosts if that is meant"
        raise VendorRefused(source, what, about_us=True)


def _is_own(host: str) -> bool:
    try:
        return not _is_public(ip_address(host))
    except ValueError:
        last = host.rpartition(".")[2]
        return "." not in host or last in _OWN or not last[0].isalpha()  # 0x7f.1 and the like are addresses too


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_global and not address.is_multicast
