"""A scripted SIP user agent for the tests: says exactly what it is told, over UDP, TCP or TLS, from inside a namespace."""

import itertools
import re
import socket
import ssl
import time
from dataclasses import dataclass, field

from lab.namespace import host_port, inside, udp_socket
from lab.network import Side

_NUMBERS = itertools.count(1)


@dataclass
class Message:
    """A SIP message: start line, headers as (name, value) in order, body."""

    start: str
    headers: list[tuple[str, str]]
    body: str = ""

    @staticmethod
    def parse(data: bytes) -> "Message":
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        return Message(start, [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)],
                       body)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def method(self) -> str:
        """Of a request; "" for a response."""
        return "" if self.start.startswith("SIP/2.0") else self.start.split(" ")[0]

    @property
    def status(self) -> int:
        """Of a response; 0 for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0") else 0

    def write(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        if not self.all("Content-Length"):
            lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


@dataclass
class Dialog:
    """What the agent must repeat in later requests of a call."""

    call_id: str
    local: str  # From or To, with tag
    remote: str
    target: str  # request URI
    cseq: int
    invite: Message
    routes: list[str] = field(default_factory=list)


class SipAgent:
    """Owner of one socket. `peer` is where it sends requests and UDP responses. `tls` makes a "tls" agent's side of TLS,
    and `server_name` is whom it asks for. `connection`: one that is there already, of that transport."""

    def __init__(self, side: Side, port: int = 0, transport: str = "udp", tls: ssl.SSLContext | None = None,
                 server_name: str = "", connection: socket.socket | None = None):
        self.side = side
        self.transport = transport
        self.peer = (side.sip_address, 5061 if transport == "tls" else 5060)
        self.inbox: list[Message] = []
        self._stream = b""
        if connection is not None:
            self._socket = connection
        elif transport == "udp":
            self._socket = udp_socket(side.namespace, side.client_address, port)
        else:
            with inside(side.namespace):
                self._socket = socket.create_connection(self.peer, 5, source_address=(side.client_address, port))
        if tls is not None and connection is None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=server_name or side.sip_address)
        self.port = self._socket.getsockname()[1]  # port 0 asks for any

    def close(self) -> None:
        self._socket.close()

    def send(self, message: Message | bytes) -> None:
        data = message if isinstance(message, bytes) else message.write()
        if self.transport == "udp":
            self._socket.sendto(data, self.peer)
        else:
            self._socket.sendall(data)

    def wait(self, wanted, timeout_s: float = 10.0) -> Message:
        """The first message, old or new, that `wanted(message)` accepts; it and what came before are taken away."""
        end_s = time.monotonic() + timeout_s
        while True:
            for at, message in enumerate(self.inbox):
                if wanted(message):
                    del self.inbox[:at + 1]
                    return message
            self._receive(end_s)

    def wait_response(self, method: str = "INVITE", at_least: int = 200, timeout_s: float = 10.0) -> Message:
        return self.wait(lambda message: message.status >= at_least and message.get("CSeq").endswith(method), timeout_s)

    def wait_request(self, method: str, timeout_s: float = 10.0) -> Message:
        return self.wait(lambda message: message.method == method, timeout_s)

    def receive_bytes(self, count: int, timeout_s: float = 10.0) -> bytes:
        """So many bytes of a stream that are no message."""
        self._socket.settimeout(timeout_s)
        while len(self._stream) < count:
            self._stream += self._socket.recv(count)
        taken, self._stream = self._stream[:count], self._stream[count:]
        return taken

    def silent_for(self, seconds: float) -> bool:
        """True if nothing comes for so long."""
        try:
            self._receive(time.monotonic() + seconds)
        except TimeoutError:
            return True
        return False

    def request(self, method: str, uri: str, body: str = "", **changed: str) -> Message:
        """A request outside a dialog, all headers in place; `changed` replaces or adds (underscores become hyphens)."""
        number = next(_NUMBERS)
        address = host_port(self.side.client_address, self.port)
        headers = {
            "Via": f"SIP/2.0/{self.transport.upper()} {address};branch=z9hG4bK-test-{number}-{time.monotonic_ns()};rport",
            "Max-Forwards": "70",
            "From": f"<sip:tester@{address}>;tag=t{number}",
            "To": f"<{uri}>",
            "Call-ID": f"{number}-{time.monotonic_ns()}@{self.side.client_address}",
            "CSeq": f"1 {method}",
            "Contact": f"<sip:tester@{address};transport={self.transport}>",
        }
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        if body:
            headers.setdefault("Content-Type", "application/sdp")
        return Message(f"{method} {uri} SIP/2.0", list(headers.items()), body)

    def invite(self, user: str, sdp: str, **changed: str) -> Message:
        """Sends an INVITE to `user` at the border; the request, for cancel() and ack()."""
        message = self.request("INVITE", f"sip:{user}@{host_port(*self.peer)}", sdp, **changed)
        self.send(message)
        return message

    def ack(self, invite: Message, response: Message) -> Dialog:
        """Acknowledges a 2xx; the dialog it made (RFC 3261 section 12.1.2)."""
        target = re.search(r"<([^>]+)>", response.get("Contact")).group(1)
        dialog = Dialog(invite.get("Call-ID"), invite.get("From"), response.get("To"), target,
                        int(invite.get("CSeq").split()[0]), invite, list(reversed(response.all("Record-Route"))))
        self.send(self._in_dialog(dialog, "ACK", dialog.cseq))
        return dialog

    def ack_failure(self, invite: Message, response: Message) -> None:
        """Acknowledges a final response other than 2xx (RFC 3261 section 17.1.1.3)."""
        self.send(Message(invite.start.replace("INVITE", "ACK", 1), [
            ("Via", invite.get("Via")), ("Max-Forwards", "70"), ("From", invite.get("From")), ("To", response.get("To")),
            ("Call-ID", invite.get("Call-ID")), ("CSeq", invite.get("CSeq").replace("INVITE", "ACK"))]))

    def cancel(self, invite: Message) -> None:
        self.send(Message(invite.start.replace("INVITE", "CANCEL", 1), [
            (name, invite.get(name)) for name in ("Via", "Max-Forwards", "From", "To", "Call-ID")
        ] + [("CSeq", invite.get("CSeq").replace("INVITE", "CANCEL"))]))

    def bye(self, dialog: Dialog) -> None:
        self.ask(dialog, "BYE")

    def ask(self, dialog: Dialog, method: str, body: str = "", **changed: str) -> Message:
        """Sends the dialog's next request; `changed` as in request()."""
        dialog.cseq += 1
        message = self._in_dialog(dialog, method, dialog.cseq, body, **changed)
        self.send(message)
        return message

    def respond(self, request: Message, status: int, reason: str, sdp: str = "", tag: str = "callee",
                **more: str) -> Dialog:
        """Answers a request; the dialog as the callee sees it (RFC 3261 section 12.1.1). `more` as in request()."""
        to = request.get("To")
        if status > 100 and ";tag=" not in to:
            to += f";tag={tag}"
        headers = [("Via", value) for value in request.all("Via")]
        headers += [("Record-Route", value) for value in request.all("Record-Route")]
        headers += [("From", request.get("From")), ("To", to), ("Call-ID", request.get("Call-ID")),
                    ("CSeq", request.get("CSeq"))]
        if request.method == "INVITE" and "Contact" not in more:
            headers.append(("Contact", f"<sip:callee@{host_port(self.side.client_address, self.port)};transport={self.transport}>"))
        headers += [(name.replace("_", "-"), value) for name, value in more.items()]
        if sdp:
            headers.append(("Content-Type", "application/sdp"))
        self.send(Message(f"SIP/2.0 {status} {reason}", headers, sdp))
        contact = re.search(r"<([^>]+)>", request.get("Contact"))
        return Dialog(request.get("Call-ID"), to, request.get("From"), contact.group(1) if contact else "", 1, request,
                      request.all("Record-Route"))

    def _in_dialog(self, dialog: Dialog, method: str, cseq: int, body: str = "", **changed: str) -> Message:
        message = self.request(method, dialog.target, body, From=dialog.local, To=dialog.remote, Call_ID=dialog.call_id,
                               CSeq=f"{cseq} {method}", **changed)
        message.headers += [("Route", route) for route in dialog.routes]
        return message

    def _receive(self, end_s: float) -> None:
        """Takes what comes next into the inbox; TimeoutError at `end_s`."""
        self._socket.settimeout(max(0.001, end_s - time.monotonic()))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            seen = ", ".join(message.start for message in self.inbox) or "nothing"
            raise TimeoutError(f"the SIP agent waited in vain; it has {seen}") from None
        if self.transport == "udp":
            self.inbox.append(Message.parse(data))
            return
        if not data:
            raise ConnectionError("the border closed the connection")
        self._stream += data
        while b"\r\n\r\n" in self._stream:
            head, _, rest = self._stream.partition(b"\r\n\r\n")
            length = int(re.search(rb"^Content-Length:\s*(\d+)", head, re.M | re.I).group(1))
            if len(rest) < length:
                return
            self.inbox.append(Message.parse(head + b"\r\n\r\n" + rest[:length]))
            self._stream = rest[length:]


class SipServer:
    """A listening TCP socket at the client's address; with `tls`, a TLS one. What connects becomes an agent."""

    def __init__(self, side: Side, port: int, tls: ssl.SSLContext | None = None):
        self.side = side
        self._tls = tls
        with inside(side.namespace):
            self._socket = socket.create_server((side.client_address, port))

    def accept(self, timeout_s: float = 10.0) -> SipAgent:
        self._socket.settimeout(timeout_s)
        connection, _ = self._socket.accept()
        connection.settimeout(timeout_s)
        if self._tls is None:
            return SipAgent(self.side, transport="tcp", connection=connection)
        return SipAgent(self.side, transport="tls", connection=self._tls.wrap_socket(connection, server_side=True))

    def close(self) -> None:
        self._socket.close()
