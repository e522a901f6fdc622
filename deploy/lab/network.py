r"""Three network namespaces with no route out: side A -- the border -- side B.

Each side's clients share one bridge with two links to the border: one carries the kernel's SIP address, the other is
weir-media's own and has no kernel address.

      side A (198.18.1.0/24)              border                 side B (198.18.2.0/24)
    198.18.1.2 [bridge]--sip------ 198.18.1.1 | 198.18.2.1 ------sip--[bridge] 198.18.2.2
                       \--media--- 198.18.1.10| 198.18.2.10 ---media--/
"""

from dataclasses import dataclass, replace

from lab.undo import LabError, UndoLog, run


@dataclass(frozen=True)
class Side:
    """One side of the border. `client_interface` lies in `namespace`; `media_interface` lies in the border's."""

    namespace: str
    client_interface: str
    sip_interface: str
    media_interface: str
    client_address: str
    sip_address: str
    media_address: str


class Network:
    """Owner of the three namespaces. `prefix` starts every name, at most 8 characters."""

    def __init__(self, undo: UndoLog, prefix: str):
        self.undo = undo
        self.border = f"{prefix}sbc"
        self.a = self._side(prefix, "a", 1)
        self.b = self._side(prefix, "b", 2)

    @staticmethod
    def _side(prefix: str, letter: str, third_octet: int) -> Side:
        subnet = f"198.18.{third_octet}"
        return Side(namespace=f"{prefix}{letter}", client_interface=f"{prefix}v{letter}",
                    sip_interface=f"sip-{letter}", media_interface=f"media-{letter}",
                    client_address=f"{subnet}.2", sip_address=f"{subnet}.1", media_address=f"{subnet}.10")

    def create(self) -> None:
        existing = {line.split()[0] for line in run(["ip", "netns", "list"]).splitlines() if line.strip()}
        for name in (self.a.namespace, self.border, self.b.namespace):
            if name in existing:
                raise LabError(f"the network namespace {name} exists already: `ip netns delete {name}` if it is yours, "
                               "or choose other names with --names PREFIX")
            self.undo.add("namespace", name)
            run(["ip", "netns", "add", name])
            for scope in ("all", "default"):  # no router solicitations: every frame in the lab is one we asked for
                self._sysctl(name, f"net.ipv6.conf.{scope}.disable_ipv6=1")
            self._sysctl(name, "net.ipv4.ip_forward=0")  # media goes through weir-media or not at all
            run(["ip", "-n", name, "link", "set", "lo", "up"])
        for side in (self.a, self.b):
            self._create_side(side)

    def _create_side(self, side: Side) -> None:
        inner, border, bridge = side.namespace, self.border, side.client_interface
        run(["ip", "-n", inner, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0"])
        for role, outer in (("sip", side.sip_interface), ("media", side.media_interface)):
            run(["ip", "-n", inner, "link", "add", role, "type", "veth", "peer", "name", outer, "netns", border])
            run(["ip", "-n", inner, "link", "set", role, "master", bridge, "up"])
            # Checksums are computed in software: weir-media reads frames as a network card would get them.
            for namespace, interface in ((inner, role), (border, outer)):
                run(["ip", "netns", "exec", namespace, "ethtool", "-K", interface, "tx", "off"])
        run(["ip", "netns", "exec", inner, "ethtool", "-K", bridge, "tx", "off"])
        # The kernel answers ARP on a link only for that link's own address, so the media link stays silent.
        self._sysctl(border, f"net.ipv4.conf.{side.media_interface}.arp_ignore=1")
        self._sysctl(border, f"net.ipv4.conf.{side.sip_interface}.arp_ignore=1")
        run(["ip", "-n", border, "addr", "add", f"{side.sip_address}/24", "dev", side.sip_interface])
        run(["ip", "-n", inner, "addr", "add", f"{side.client_address}/24", "dev", bridge])
        for namespace, interface in ((border, side.sip_interface), (border, side.media_interface), (inner, bridge)):
            run(["ip", "-n", namespace, "link", "set", interface, "up"])
        for namespace in (inner, border):  # libraries that look for UPnP or mDNS: dropped here
            for group in ("239.255.255.250/32", "224.0.0.251/32"):
                run(["ip", "-n", namespace, "route", "replace", "blackhole", group])

    def add_client_address(self, side: Side, last_octet: int) -> str:
        """Another address on that side's bridge: an attacker, or a second client."""
        address = side.client_address.rpartition(".")[0] + f".{last_octet}"
        run(["ip", "-n", side.namespace, "addr", "replace", f"{address}/24", "dev", side.client_interface])
        return address

    def add_ipv6(self, side: Side) -> Side:
        """The same side with IPv6 addresses, on the same links: 2001:2:0:1::/64 on side A, 2001:2:0:2::/64 on side B."""
        subnet = f"2001:2:0:{side.client_address.split('.')[2]}"
        there = replace(side, client_address=f"{subnet}::2", sip_address=f"{subnet}::1", media_address=f"{subnet}::10")
        for namespace, interface, address in ((side.namespace, side.client_interface, there.client_address),
                                              (self.border, side.sip_interface, there.sip_address)):
            self._sysctl(namespace, f"net.ipv6.conf.{interface}.disable_ipv6=0")
            run(["ip", "-n", namespace, "addr", "replace", f"{address}/64", "dev", interface, "nodad"])
        return there

    def add_gateway(self, side: Side, name: str, last_octet: int, behind: str) -> str:
        """A namespace on that side's link with an address there and another host's address, `behind`, of its own. Returns
        its name."""
        namespace = f"{side.namespace}{name}"
        self.undo.add("namespace", namespace)
        run(["ip", "netns", "add", namespace])
        run(["ip", "-n", namespace, "link", "add", "link0", "type", "veth", "peer", "name", name, "netns", side.namespace])
        run(["ip", "-n", side.namespace, "link", "set", name, "master", side.client_interface, "up"])
        for end, interface in ((namespace, "link0"), (side.namespace, name)):
            run(["ip", "netns", "exec", end, "ethtool", "-K", interface, "tx", "off"])
        address = side.client_address.rpartition(".")[0] + f".{last_octet}"
        run(["ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "link0"])
        run(["ip", "-n", namespace, "link", "set", "lo", "up"])
        run(["ip", "-n", namespace, "addr", "add", f"{behind}/32", "dev", "lo"])
        run(["ip", "-n", namespace, "link", "set", "link0", "up"])
        self._sysctl(namespace, "net.ipv4.conf.all.rp_filter=0")
        self._sysctl(namespace, "net.ipv4.conf.link0.rp_filter=0")
        return namespace

    @staticmethod
    def _sysctl(namespace: str, setting: str) -> None:
        key, _, value = setting.partition("=")
        path = "/proc/sys/" + key.replace(".", "/")
        run(["ip", "netns", "exec", namespace, "sh", "-c", f"echo {value} > {path}"])
