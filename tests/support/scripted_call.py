"""A whole call between two scripted agents, each with its own SIP, DTLS by openssl, SRTP by libsrtp2."""

from dataclasses import dataclass
from pathlib import Path

from lab.network import Side
from support.dtls import Certificate, DtlsPeer, Secured, make_certificate
from support.ice import Credentials, nominate
from support.media import MediaEnd
from support.records_end import RecordsEnd
from support.sdp import AudioSection, read_sdp, write_sdp
from support.sip_agent import Dialog, Message, SipAgent
from support.srtp import SHA1_80, Profile, contexts

CALLEE_PORT = 5090
CALLER_PAYLOAD, CALLEE_PAYLOAD = b"\x11" * 160, b"\x22" * 160


@dataclass(frozen=True)
class Security:
    """How a leg is secured. `setup` is what the agent says; `fingerprint` replaces the true one if not None; `tls_id` is
    RFC 8842's, "" for none."""

    setup: str = "actpass"
    profile: Profile = SHA1_80
    rtcp_mux: bool = True
    protocol: str = "UDP/TLS/RTP/SAVP"
    fingerprint: str | None = None
    tls_id: str = ""
    ice: Credentials | None = None  # it checks its way first, as the controlling agent
    candidates: tuple[str, ...] = ()  # the values of a=candidate
    use_srtp: bool = True  # false: its DTLS knows no such extension, and carries the media itself


class ScriptedLeg:
    """One agent: its SIP socket, its media port, and its DTLS if it is secured. Its media is on `sides[1]`."""

    def __init__(self, sides: tuple[Side, Side], folder: Path, name: str, sip_port: int, media_port: int, payload: bytes,
                 ssrc: int, security: Security | None, first_sequence: int = 1001, agent: SipAgent | None = None):
        sip_side, side = sides
        self.side = side
        self.folder = folder
        self.security = security
        self.agent = agent or SipAgent(sip_side, sip_port)
        end = RecordsEnd if security and not security.use_srtp else MediaEnd
        self.media = end(side, media_port, payload, ssrc, first_sequence)
        self.certificate: Certificate | None = make_certificate(folder, name) if security else None
        self.remote: AudioSection | None = None
        self.secured: Secured | None = None
        self.dtls: DtlsPeer | RecordsEnd | None = None
        self.described = 0  # descriptions given so far

    def sdp(self, direction: str = "sendrecv") -> str:
        address, port = self.side.client_address, self.media.port
        self.described += 1
        if self.security is None:
            return write_sdp(address, port, attributes=("rtcp-mux",), direction=direction, version=self.described)
        fingerprint = self.security.fingerprint
        if fingerprint is None:
            fingerprint = self.certificate.fingerprint
        attributes = [f"setup:{self.security.setup}", f"fingerprint:{fingerprint}"]
        if self.security.rtcp_mux:
            attributes.append("rtcp-mux")
        if self.security.ice:
            attributes += [f"ice-ufrag:{self.security.ice.ufrag}", f"ice-pwd:{self.security.ice.password}"]
            attributes += [f"candidate:{candidate}" for candidate in self.security.candidates]
        if self.security.tls_id:
            attributes.append(f"tls-id:{self.security.tls_id}")
        return write_sdp(address, port, self.security.protocol, tuple(attributes), direction, self.described)

    def listen(self) -> None:
        """A secured leg that is passive waits before it says so."""
        if self.security and self.security.setup == "passive":
            self.dtls = self._dtls_peer(None)

    def connect(self, remote: AudioSection) -> None:
        """Takes the other side's description; an active leg begins its handshake."""
        self.remote = remote
        if self.security and self.security.ice:
            nominate(self.side.namespace, (self.side.client_address, self.media.port), (remote.address, remote.port),
                     self.security.ice, remote.ice)
        if self.security and self.dtls is None:
            self.dtls = self._dtls_peer((remote.address, remote.port))

    def start_media(self) -> None:
        """Ends the handshake if there is one, and begins to send and receive."""
        self.open_media()
        self.media.run()

    def open_media(self) -> None:
        """start_media() but for the sending."""
        keys = None
        if self.security:
            self.secured = self.dtls.wait()
        if self.secured:
            keys = contexts(self.security.profile, self.secured.keying_material, self.security.setup != "passive")
        self.media.open((self.remote.address, self.remote.port), keys)

    def close(self) -> None:
        self.media.stop()
        if self.dtls is not None:
            self.dtls.stop()
        self.agent.close()

    def _dtls_peer(self, remote: tuple[str, int] | None) -> DtlsPeer | RecordsEnd:
        if not self.security.use_srtp:
            return self.media.shake_hands(self.folder, self.certificate, remote)
        return DtlsPeer(self.side.namespace, self.folder, self.certificate, self.security.profile,
                        (self.side.client_address, self.media.port), remote)


class ScriptedCall:
    """Owner of both legs of one call from side A to side B. `sides` and `media_sides`: other sides than these two for
    SIP and for media; media goes where SIP goes if it is not told. `first_sequence`: of both ends' RTP. `number` gives each
    of several calls at once ports of its own. `caller_agent`: another than one by UDP."""

    def __init__(self, lab, folder: Path, caller: Security | None = None, callee: Security | None = None,
                 sides: tuple[Side, Side] | None = None, media_sides: tuple[Side, Side] | None = None,
                 first_sequence: int = 1001, number: int = 0, caller_agent: SipAgent | None = None):
        self.lab = lab
        near, far = sides or (lab.network.a, lab.network.b)
        near_media, far_media = media_sides or (near, far)
        self.caller = ScriptedLeg((near, near_media), folder, f"caller{number or ''}", 5082 + 20 * number,
                                  30000 + 20 * number, CALLER_PAYLOAD, 0x0A0A0A0A, caller, first_sequence, caller_agent)
        self.callee = ScriptedLeg((far, far_media), folder, f"callee{number or ''}", CALLEE_PORT + 20 * number,
                                  32000 + 20 * number, CALLEE_PAYLOAD, 0x0B0B0B0B, callee, first_sequence)
        self.user = f"{'dtls' if callee else 'rtp'}-{self.callee.agent.port}"
        self.invite: Message | None = None
        self.caller_dialog: Dialog | None = None
        self.callee_dialog: Dialog | None = None

    def __enter__(self) -> "ScriptedCall":
        return self

    def __exit__(self, *_) -> None:
        self.caller.close()
        self.callee.close()

    def ring(self) -> Message:
        """The INVITE to the callee, which has not answered it yet."""
        self.caller.listen()
        self.invite = self.caller.agent.invite(self.user, self.caller.sdp())
        received = self.callee.agent.wait_request("INVITE")
        self.callee.remote = read_sdp(received.body)
        return received

    def answer(self, received: Message) -> Message:
        """The callee's 200 and its ACK, and the 200 that the caller acknowledges."""
        response = self.agree(received)
        self.caller.connect(read_sdp(response.body))
        return response

    def agree(self, received: Message) -> Message:
        """answer(), but the caller does nothing about its media yet."""
        self.callee.listen()
        self.callee_dialog = self.callee.agent.respond(received, 200, "OK", self.callee.sdp())
        self.callee.connect(self.callee.remote)
        response = self.caller.agent.wait_response()
        assert response.status == 200, response.start
        self.caller_dialog = self.caller.agent.ack(self.invite, response)
        self.callee.agent.wait_request("ACK")
        return response

    def establish(self) -> "ScriptedCall":
        """From the INVITE to media on both legs."""
        self.answer(self.ring())
        self.begin_media()
        return self

    def begin_media(self) -> None:
        """Each listens before the other sends: what comes to a closed port is lost."""
        for leg in (self.caller, self.callee):
            leg.open_media()
        for leg in (self.caller, self.callee):
            leg.media.run()

    def hang_up(self) -> None:
        """The caller's BYE, all the way."""
        self.caller.agent.bye(self.caller_dialog)
        self.callee.agent.respond(self.callee.agent.wait_request("BYE"), 200, "OK")
        assert self.caller.agent.wait_response("BYE").status == 200
