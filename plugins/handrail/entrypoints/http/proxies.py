"""Reverse proxies that are believed: whose socket counts as theirs, and what they say about the caller behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from handrail.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Proxies:
    """Addresses and networks of reverse proxies; with none, nobody's word about another caller counts."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def covers(self, peer: str | None) -> bool:
        """Whether a connection from this address is one of a proxy's; `::ffff:10.0.0.5` is 10.0.0.5."""
        address = _address(peer)
        return address is not None and any(address in network for network in self.networks)

    def caller(self, peer: str | None, headers: Mapping[str, str]) -> str:
        """Return the address that a request came from: the last one in X-Forwarded-For that is no proxy's.

        Only a proxy's own connection is asked, so whoever reaches the server directly cannot choose an address.
        """
        if not self.covers(peer):
            return peer or ""
        said = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
        for each in reversed(said):
            if _address(each) is None:
                break
            if not self.covers(each):
                return each
        return peer or ""

    def is_encrypted(self, peer: str | None, scheme: str, headers: Mapping[str, str]) -> bool:
        """Whether the browser spoke HTTPS: to the server itself, or to a proxy that says so in X-Forwarded-Proto."""
        said = headers.get("x-forwarded-proto", "").strip().lower()
        return scheme == "https" or (self.covers(peer) and said == "https")


def read_proxies(setting: str, given: Iterable[str]) -> Proxies:
    """Return the proxies that a setting names.

    Raises:
        Misconfigured: one is no address, or is everybody.
    """
    return Proxies(tuple(_network(setting, each) for each in given))


def _network(setting: str, text: str) -> IPv4Network | IPv6Network:
    remedy = "Give the proxy's address, as 10.0.0.5 or 10.0.0.0/29; a name or everybody cannot be trusted."
    try:
        network = ip_network(text)
    except ValueError as err:
        raise Misconfigured(setting, f"{text!r} is no address", remedy) from err
    if network.prefixlen == 0:
        raise Misconfigured(setting, f"{text!r} is everybody", remedy)
    return network


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
