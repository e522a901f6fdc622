"""Sockets inside another network namespace. A socket belongs for ever to the namespace it was made in, so a test can
hold one end of a call itself."""

import contextlib
import ctypes
import os
import socket
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>; Python has no name for it


@contextlib.contextmanager
def inside(namespace: str):
    """This thread's new sockets belong to `namespace` (a name of ip-netns(8)) until the block ends."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def host_port(address: str, port: int) -> str:
    """As programs and URIs write it: IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def udp_socket(namespace: str, address: str, port: int = 0) -> socket.socket:
    """A UDP socket bound to address and port (0: any) there."""
    with inside(namespace):
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, port))
    return made


def tcp_connection(namespace: str, address: str, port: int, timeout_s: float = 5.0) -> socket.socket:
    """A TCP connection made there."""
    with inside(namespace):
        return socket.create_connection((address, port), timeout_s)


def packet_socket(namespace: str, interface: str) -> socket.socket:
    """A raw Ethernet socket on an interface there (packet(7)): sees and sends whole frames."""
    every_protocol = 0x0003  # ETH_P_ALL
    with inside(namespace):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    made.bind((interface, every_protocol))
    return made


def receive_frame(packets: socket.socket) -> tuple[float, bytes]:
    """The next frame of a packet_socket() and when the kernel saw it, in seconds since the epoch."""
    frame, ancillary, _, _ = packets.recvmsg(65536, socket.CMSG_SPACE(16))
    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
    return seconds + nanoseconds / 1e9, frame


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot enter the network namespace: {os.strerror(number)}")
