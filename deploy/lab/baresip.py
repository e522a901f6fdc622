"""baresip, headless: one user agent with one account, told what to do over its control port, recording what it hears.

baresip 1.0 answers 404 to a request-URI user that is not its account's, and its null audio player is `aubridge`."""

import json
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from lab.namespace import tcp_connection
from lab.network import Side
from lab.process import Process, wait_until
from lab.tone import Heard, hear, write_tone
from lab.undo import LabError, UndoLog

_CONTROL_PORT = 4444


@dataclass
class Phone:
    """What makes one baresip differ from another. `profile` is the account's mediaenc, "" for plain RTP."""

    user: str
    sip_port: int = 5060
    tone_hz: int = 1000
    profile: str = ""
    transport: str = "udp"
    answers: bool = False
    rtcp_mux: bool = True
    ice: bool = False
    outbound: str = ""
    domain: str = ""  # where it registers; "": it does not
    password: str = ""
    register_s: int = 60
    control_port: int = _CONTROL_PORT
    rtp_ports: str = "10000-10999"
    contact: str = ""  # whom it can send messages to, and whose presence it subscribes to: a SIP URI; "": nobody
    presence: bool = False  # it tells its own to whoever subscribes; with either its log holds its SIP messages


class Baresip:
    """Owner of one running baresip. `events` holds every event it reported, oldest first."""

    def __init__(self, undo: UndoLog, side: Side, folder: Path, phone: Phone):
        self.side = side
        self.phone = phone
        self.folder = folder
        self.events: list[dict] = []
        self._buffer = b""
        folder.mkdir(parents=True)
        write_tone(folder / "tone.wav", phone.tone_hz, 120)
        (folder / "config").write_text(self._config())
        (folder / "accounts").write_text(self._account())
        contact = f"Peer <{phone.contact}>;presence=p2p\n" if phone.contact else ""
        (folder / "contacts").write_text(contact)
        trace = ["-s"] if phone.contact or phone.presence else []
        self.process = Process(undo, ["baresip", "-f", str(folder), "-v", *trace], folder / "log", side.namespace, folder)
        self._control = wait_until(self._connect, 15, f"baresip {phone.user} to start")

    def dial(self, uri: str) -> None:
        self.command("dial", uri)

    def hang_up(self) -> None:
        self.command("hangup")

    def wait_for(self, event: str, timeout_s: float = 15.0) -> dict:
        """The first event of that type, e.g. "CALL_ESTABLISHED"; waits for it if need be."""
        def seen():
            self.read_events()
            return next((one for one in self.events if one.get("type") == event), None)
        return wait_until(seen, timeout_s, f"{event} at baresip {self.phone.user}, which said: {self.said()}")

    def said(self) -> str:
        return ", ".join(f"{one.get('type')} {one.get('param', '')}".strip() for one in self.events) or "nothing"

    def read_events(self) -> None:
        """Takes the netstrings that have arrived."""
        self._control.settimeout(0.01)
        try:
            self._buffer += self._control.recv(65536)
        except TimeoutError:
            pass
        while b":" in self._buffer:
            length, _, rest = self._buffer.partition(b":")
            if len(rest) < int(length) + 1:
                return
            message, self._buffer = json.loads(rest[:int(length)]), rest[int(length) + 1:]
            if message.get("event"):
                self.events.append(message | {"seen_s": time.monotonic()})

    def reported(self, event: str) -> bool:
        """Whether it has reported an event of that type so far."""
        self.read_events()
        return any(one.get("type") == event for one in self.events)

    def heard(self, frequency_hz: float) -> Heard:
        """How much of what it received is that tone; call it after the call has ended."""
        recordings = sorted(self.folder.glob("dump-*-dec.wav"))
        if not recordings:
            return Heard(0.0, 0.0)
        return hear(recordings[-1], frequency_hz)

    def packets_lost(self) -> int | None:
        """Packets missing in the sequence it received, by its own summary of the call; None before there is one."""
        found = re.findall(r"EX=BareSip;.*?PL=(-?\d+),", self.process.text())
        return int(found[-1]) if found else None

    def packets_received(self) -> int:
        """RTP packets of the last call that it decrypted and took, by its own summary."""
        found = re.findall(r"^packets:\s+\d+\s+(\d+)", self.process.text(), re.M)
        return int(found[-1]) if found else 0

    def stop(self) -> None:
        self._control.close()
        self.process.stop()

    def _connect(self) -> socket.socket | None:
        if not self.process.alive():
            raise LabError(f"baresip did not start: {self.process.last_line()}")
        try:
            return tcp_connection(self.side.namespace, "127.0.0.1", self.phone.control_port)
        except OSError:
            return None

    def command(self, command: str, parameters: str = "") -> None:
        """Any command of its menu, by its long name."""
        message = json.dumps({"command": command, "params": parameters, "token": command}).encode()
        self._control.sendall(str(len(message)).encode() + b":" + message + b",")

    def _account(self) -> str:
        phone = self.phone
        parameters = f";regint={phone.register_s if phone.domain else 0};audio_codecs=PCMA"
        if phone.domain:
            parameters += f";auth_user={phone.user};auth_pass={phone.password}"
        if phone.profile:
            parameters += f";mediaenc={phone.profile}"
        if phone.ice:
            parameters += ";medianat=ice"
        if phone.answers:
            parameters += ";answermode=auto"
        if phone.outbound:
            parameters += f';outbound="{phone.outbound}"'
        host = phone.domain or f"{self.side.client_address}:{phone.sip_port}"
        return f"<sip:{phone.user}@{host};transport={phone.transport}>{parameters}\n"

    def _config(self) -> str:
        phone = self.phone
        lines = {
            "poll_method": "epoll", "sip_listen": f"{self.side.client_address}:{phone.sip_port}",
            "call_local_timeout": "120", "call_max_calls": "100",
            "audio_player": "aubridge,sink", "audio_alert": "aubridge,alert",
            "audio_source": f"aufile,{self.folder}/tone.wav",
            "ausrc_srate": "8000", "auplay_srate": "8000", "ausrc_channels": "1", "auplay_channels": "1",
            "audio_level": "no", "rtp_tos": "184", "rtp_ports": phone.rtp_ports,
            "rtcp_mux": "yes" if phone.rtcp_mux else "no", "jitter_buffer_delay": "5-10", "rtp_stats": "yes",
            "module_path": "/usr/lib/baresip/modules", "ctrl_tcp_listen": f"127.0.0.1:{phone.control_port}",
            "ringback_disabled": "yes", "snd_path": str(self.folder),
        }
        modules = ["ice", "g711", "aufile", "srtp", "dtls_srtp", "rtcpsummary", "aubridge", "sndfile"]
        text = "".join(f"{key}\t{value}\n" for key, value in lines.items())
        text += "".join(f"module\t{name}.so\n" for name in modules)
        text += "module_tmp\tuuid.so\nmodule_tmp\taccount.so\n"
        applications = ["menu", "ctrl_tcp"]
        if phone.contact or phone.presence:
            applications += ["contact", "presence"]
        return text + "".join(f"module_app\t{name}.so\n" for name in applications)
