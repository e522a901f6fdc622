"""A SIP user agent that speaks over a WebSocket, as a browser's does (RFC 7118): websocket-client's, from a namespace."""

import hashlib
import itertools
import socket
import ssl

import websocket

from lab.namespace import host_port, inside
from lab.network import Side
from support.digest import HASHES, parameters, response
from support.sip_agent import Message, SipAgent

_NUMBERS = itertools.count(1)


class _Messages:
    """A WebSocket with a socket's manners: what is sent and received is one message each."""

    def __init__(self, web: websocket.WebSocket, binary: bool):
        self._web = web
        self._opcode = websocket.ABNF.OPCODE_BINARY if binary else websocket.ABNF.OPCODE_TEXT

    def sendall(self, data: bytes) -> None:
        self._web.send(data, self._opcode)

    def recv(self, _: int) -> bytes:
        try:
            opcode, data = self._web.recv_data()
        except websocket.WebSocketTimeoutException:
            raise TimeoutError from None
        except websocket.WebSocketConnectionClosedException:
            return b""
        return b"" if opcode == websocket.ABNF.OPCODE_CLOSE else data

    def settimeout(self, timeout_s: float) -> None:
        self._web.settimeout(timeout_s)

    def getsockname(self):
        return self._web.sock.getsockname()

    def close(self) -> None:
        self._web.close(timeout=2)

    def cut(self) -> None:
        """The connection ends, and nobody says why."""
        self._web.shutdown()


def tcp_to(side: Side, port: int, tls: ssl.SSLContext | None = None, server_name: str = "") -> socket.socket:
    """A connection to the side's border, with TLS if asked for."""
    with inside(side.namespace):
        made = socket.create_connection((side.sip_address, port), 5, source_address=(side.client_address, 0))
    return made if tls is None else tls.wrap_socket(made, server_hostname=server_name or side.sip_address)


def open_websocket(side: Side, port: int, tls: ssl.SSLContext | None = None, server_name: str = "",
                   subprotocols: tuple[str, ...] = ("sip",), origin: str | None = None,
                   cookie: str | None = None) -> websocket.WebSocket:
    """websocket.WebSocketBadStatusException: refused. `origin` None: that of a page of the border itself, which
    websocket-client makes up; "": none."""
    connection = tcp_to(side, port, tls, server_name)
    options = {"suppress_origin": True} if origin == "" else {"origin": origin}
    scheme = "ws" if tls is None else "wss"
    try:
        return websocket.create_connection(f"{scheme}://{server_name or host_port(side.sip_address, port)}/", 10,
                                           socket=connection, subprotocols=list(subprotocols), cookie=cookie, **options)
    except Exception:
        connection.close()
        raise


class WebAgent(SipAgent):
    """A browser's agent: its name is random and of no use, its connection is where it is."""

    def __init__(self, side: Side, port: int, tls: ssl.SSLContext | None = None, server_name: str = "",
                 binary: bool = False, origin: str | None = "", cookie: str | None = None):
        web = open_websocket(side, port, tls, server_name, origin=origin, cookie=cookie)
        assert web.subprotocol == "sip", web.subprotocol
        self.messages = _Messages(web, binary)
        super().__init__(side, transport="ws" if tls is None else "wss", connection=self.messages)
        self.host = f"{hashlib.sha256(str(next(_NUMBERS)).encode()).hexdigest()[:12]}.invalid"
        self.contact = f"<sip:web@{self.host};transport=ws>"

    def request(self, method: str, uri: str, body: str = "", **changed: str) -> Message:
        via = f"SIP/2.0/{self.transport.upper()} {self.host};branch=z9hG4bK-web-{next(_NUMBERS)}"
        return super().request(method, uri, body, **{"Via": via, "Contact": self.contact} | changed)

    def respond(self, request: Message, status: int, reason: str, sdp: str = "", tag: str = "web", **more: str):
        return super().respond(request, status, reason, sdp, tag, **{"Contact": self.contact} | more)

    def register(self, user: str, domain: str, password: str, expires_s: int = 600, reg_id: int = 1,
                 instance: str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6") -> Message:
        """Registers with a password, over outbound (RFC 5626); the last response."""
        contact = f'{self.contact};reg-id={reg_id};+sip.instance="<{instance}>"'
        same = {"From": f"<sip:{user}@{domain}>;tag=r", "To": f"<sip:{user}@{domain}>", "Contact": contact,
                "Call-ID": f"register-{self.host}", "Supported": "path, outbound, gruu", "Expires": str(expires_s)}
        number = next(_NUMBERS)
        self.send(self.request("REGISTER", f"sip:{domain}", CSeq=f"{number} REGISTER", **same))
        challenged = self.wait_response("REGISTER")
        if challenged.status != 401:
            return challenged
        asked = next(parameters(value) for value in challenged.all("WWW-Authenticate")
                     if parameters(value)["algorithm"] in HASHES)
        given = {name: asked[name] for name in ("realm", "nonce", "algorithm")}
        given |= {"username": user, "uri": f"sip:{domain}", "nc": "00000001", "cnonce": "c", "qop": "auth"}
        given["response"] = response(given, "REGISTER", password)
        bare = ("algorithm", "nc", "qop")
        credentials = "Digest " + ", ".join(f"{name}={value}" if name in bare else f'{name}="{value}"'
                                            for name, value in given.items())
        self.send(self.request("REGISTER", f"sip:{domain}", CSeq=f"{next(_NUMBERS)} REGISTER",
                               Authorization=credentials, **same))
        return self.wait_response("REGISTER")
