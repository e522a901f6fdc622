"""Kamailio to be measured, started in a network namespace: as a proxy with record-routing, the dialog module and topology
hiding, one child for each of its two sockets; and as a browsers' proxy, whose media rtpengine relays."""

import socket

from lab.namespace import tcp_connection, udp_socket
from lab.process import Process, wait_until
from lab.undo import LabError

from bench.rtpengine import NG_PORT

_CONFIGURATION = """\
debug=0
log_stderror=yes
children=1
auto_aliases=no
disable_tcp=yes
mhomed=1
listen=udp:{a}:{port}
listen=udp:{b}:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dialog.so"
loadmodule "topoh.so"
modparam("rr", "enable_double_rr", 1)
modparam("dialog", "dlg_flag", 4)
modparam("dialog", "db_mode", 0)
modparam("dialog", "hash_size", 16384)
modparam("topoh", "mask_key", "beside Weir")
modparam("topoh", "mask_ip", "198.18.255.1")
modparam("topoh", "mask_callid", 1)
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (has_totag()) {{
    if (loose_route() || (is_method("ACK") && t_check_trans())) {{ t_relay(); exit; }}
    sl_send_reply("404", "Not Here");
    exit;
  }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  t_check_trans();
  if (is_method("INVITE")) {{ setflag(4); record_route(); }}
  $du = "sip:{callee}";
  t_relay();
}}
"""


class Kamailio:
    """Owner of one Kamailio in the border namespace, between its kernel addresses towards A and B. Calls go to `callee`,
    an address with its port. Its memory manager is the fast one (-x fm): the default one checks every allocation, and
    carries a third of the calls."""

    name = "kamailio"

    def __init__(self, undo, network, folder, port: int, callee: str, core: int):
        configuration = folder / "kamailio.cfg"
        configuration.write_text(_CONFIGURATION.format(a=network.a.sip_address, b=network.b.sip_address, port=port,
                                                       callee=callee))
        argv = ["taskset", "-c", str(core), "kamailio", "-f", str(configuration), "-DD", "-E", "-m", "1024", "-M", "32",
                "-x", "fm", "-X", "fm", "-Y", str(folder)]
        self.process = Process(undo, argv, folder / "kamailio.log", network.border)
        self._asks = udp_socket(network.a.namespace, network.a.client_address)
        self._asks.settimeout(0.2)
        self._where = (network.a.sip_address, port)
        wait_until(self._answers, 10, "kamailio to start", 0.1)

    def _answers(self) -> bool:
        """To a request in a dialog that is not there it says 404."""
        if not self.process.alive():
            raise LabError(f"kamailio did not start: {self.process.last_line()}")
        host, port = self._asks.getsockname()
        self._asks.sendto(f"OPTIONS sip:{self._where[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKstart\r\n"
                          f"From: <sip:start@{host}>;tag=1\r\nTo: <sip:{self._where[0]}>;tag=2\r\nCall-ID: start\r\n"
                          "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode(), self._where)
        try:
            return self._asks.recv(4096).startswith(b"SIP/2.0 404")
        except socket.timeout:
            return False

    def stop(self) -> None:
        self._asks.close()
        self.process.stop()


_WEB_CONFIGURATION = """\
debug=0
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
mhomed=1
tcp_accept_no_cl=yes
listen=tcp:{a}:{web_port}
listen=udp:{b}:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "nathelper.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
loadmodule "rtpengine.so"
modparam("rr", "enable_double_rr", 2)
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{ng_port}")
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if ($proto =~ "ws") {{ force_rport(); add_contact_alias(); }}
  if (has_totag()) {{
    if (loose_route()) {{
      if (is_method("BYE")) rtpengine_delete();
      t_relay();
    }}
    exit;
  }}
  if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  record_route();
  $du = "sip:{callee}";
  rtpengine_offer("replace-origin replace-session-connection trust-address direction=a direction=b RTP/AVP ICE=remove DTLS=off rtcp-mux-demux");
  t_on_reply("MEDIA");
  t_relay();
}}
onreply_route[MEDIA] {{
  if (has_body("application/sdp")) rtpengine_answer("replace-origin replace-session-connection trust-address DTLS=passive");
}}
event_route[xhttp:request] {{
  set_reply_close();
  set_reply_no_connect();
  if ($hdr(Upgrade) =~ "websocket" && ws_handle_handshake()) exit;
  xhttp_reply("404", "Not Found", "", "");
}}
"""


class WebKamailio:
    """Owner of one Kamailio between WebSockets at A and UDP at B. Every call goes to `callee`, an address with its port."""

    def __init__(self, undo, network, folder, web_port: int, port: int, callee: str):
        configuration = folder / "kamailio-web.cfg"
        configuration.write_text(_WEB_CONFIGURATION.format(a=network.a.sip_address, b=network.b.sip_address,
                                                           web_port=web_port, port=port, callee=callee, ng_port=NG_PORT))
        argv = ["kamailio", "-f", str(configuration), "-DD", "-E", "-m", "256", "-M", "16", "-Y", str(folder)]
        self.process = Process(undo, argv, folder / "kamailio-web.log", network.border)

        def answers() -> bool:
            if not self.process.alive():
                raise LabError(f"kamailio did not start: {self.process.last_line()}")
            try:
                tcp_connection(network.a.namespace, network.a.sip_address, web_port, 0.2).close()
                return True
            except OSError:
                return False

        wait_until(answers, 10, "kamailio to start", 0.1)

    def stop(self) -> None:
        self.process.stop()
