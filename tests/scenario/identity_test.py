"""Identity between real processes: tokens made by the openssl program and by secsipidx are believed, Weir's own are
checked by both, and whoever changes a piece of one on the way gets no call. RFC 8224, 8225, 8226, 8588."""

import json
import re
import subprocess
import time

import pytest
from conftest import assert_nothing_left

from lab.process import wait_until
from support.dtls import make_certificate
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import read_sdp
from support.sip_agent import SipAgent
from support.stir import ChainServer, StirAuthority, date_header, passport, read_identity, unbase64url
from support.tls import Authority

_CALLER, _CALLEE, _OTHER = "12155551212", "12155551213", "12155551299"
_PORT = 8443


class IdentityLab:
    """Realm a verifies; realm b is trusted, and its calls are signed. The chains of others are on side A's host."""

    def __init__(self, lab):
        self.lab = lab
        self.authority = StirAuthority(lab.folder / "stir")
        lab.folder.chmod(0o755)
        web = Authority(lab.folder / "tls")
        self.web = web
        a = lab.network.a
        issued = web.issue("certs", f"IP:{a.client_address}", f"IP:{a.sip_address}")
        self.server = ChainServer(a, issued["chain"], issued["key"], _PORT)
        self.signer = self.authority.issue("caller", _CALLER)
        self.serve("/caller.pem", self.signer)
        self.records = lab.folder / "records" / "calls.jsonl"
        self.records.parent.mkdir()
        self.records_read = 0
        self.records.parent.chmod(0o777)
        configuration = lab.weir.configuration
        configuration["control"]["call_records"] = str(self.records)
        ours = self.authority.issue("ours", _CALLER)
        configuration["identity"] = {
            "anchors": str(self.authority.anchors),
            "keys": [{"name": "ours", "chain": str(ours.chain), "key": str(ours.key)}],
            "server": {"listen": f"{a.sip_address}:{_PORT}", "url": f"https://{a.sip_address}:{_PORT}",
                       "chain": str(issued["chain"]), "key": str(issued["key"])},
            "fetch": {"ca": str(web.ca), "allow": ["198.18.0.0/15"], "ports": [_PORT], "timeout_ms": 2000}}
        near, far = configuration["realm"]
        near["identity"] = {"verify": "require", "attest": "B"}
        far["identity"] = {"sign": "ours", "shaken": True, "form": "full"}
        far["trusted"] = True
        for realm, media, profile in (("a", "rtp", ""), ("a", "dtls", "dtls")):
            configuration["route"].insert(0, {"realm": realm, "match": rf"^sip:\+{_CALLEE}{profile}@.*",
                                              "target": f"sip:+{_CALLEE}@{lab.network.b.client_address}:5090",
                                              "to_realm": "b", "media": media})

    def serve(self, path: str, signer) -> str:
        self.server.files[path] = signer.chain.read_bytes()
        return self.server.url + path

    def call(self, secured: bool = True) -> ScriptedCall:
        call = ScriptedCall(self.lab, self.lab.folder, caller=Security("active") if secured else None)
        call.user = f"+{_CALLEE}"
        return call

    def headers(self, identity: str, caller: str = _CALLER) -> dict[str, str]:
        address = self.lab.network.a.client_address
        headers = {"From": f"<sip:+{caller}@{address};user=phone>;tag=f{time.monotonic_ns()}", "Date": date_header()}
        return headers | ({"Identity": identity} if identity else {})

    def record(self) -> dict:
        """Of the next call that has not been asked for."""
        def lines() -> list[str]:
            return self.records.read_text().splitlines() if self.records.exists() else []
        wait_until(lambda: len(lines()) > self.records_read, 5, "the call's record", 0.05)
        self.records_read += 1
        return json.loads(lines()[self.records_read - 1])


@pytest.fixture
def identity_lab(quiet_lab):
    made = IdentityLab(quiet_lab)
    quiet_lab.weir.start()
    yield made
    made.server.close()


def test_who_is_vouched_for_is_heard_and_asserted(identity_lab):
    """The whole way: a token over the caller's DTLS certificate, its chain by HTTPS, the callee told, media both ways."""
    lab = identity_lab.lab
    with identity_lab.call() as call:
        call.caller.listen()
        identity = passport(identity_lab.signer, identity_lab.server.url + "/caller.pem", _CALLER, _CALLEE,
                            call.caller.certificate.fingerprint)
        call.invite = call.caller.agent.invite(call.user, call.caller.sdp(), **identity_lab.headers(identity))
        received = call.callee.agent.wait_request("INVITE")
        call.callee.remote = read_sdp(received.body)
        call.answer(received)
        call.begin_media()
        wait_until(lambda: call.callee.media.heard(CALLER_PAYLOAD) > 20 and call.caller.media.heard(CALLEE_PAYLOAD) > 20,
                   10, "media both ways", 0.1)
        (row,) = lab.weir.ctl("calls")
        judged = lab.weir.ctl("call", str(row["call"]))["legs"][0]["identity"]
        assert judged["outcome"] == "passed" and judged["orig"] == _CALLER, judged
        assert judged["fingerprints"] == [call.caller.certificate.fingerprint]
        call.hang_up()
    assert identity_lab.record()["caller"]["identity"]["outcome"] == "passed"
    assert identity_lab.server.asked == ["/caller.pem"]
    assert_nothing_left(lab)


def test_a_known_chain_is_told_to_the_trusted_side(identity_lab):
    """The second call finds the chain in the cache: verstat is in the INVITE, and nothing is fetched."""
    for number in range(2):
        with identity_lab.call(secured=False) as call:
            identity = passport(identity_lab.signer, identity_lab.server.url + "/caller.pem", _CALLER, _CALLEE)
            call.invite = call.caller.agent.invite(call.user, call.caller.sdp(), **identity_lab.headers(identity))
            received = call.callee.agent.wait_request("INVITE")
            call.callee.remote = read_sdp(received.body)
            call.answer(received)
            call.hang_up()
        if number == 1:
            assert received.get("P-Asserted-Identity") == f"<tel:+{_CALLER};verstat=TN-Validation-Passed>"
    assert identity_lab.server.asked == ["/caller.pem"]
    assert_nothing_left(identity_lab.lab)


def swapped(fingerprint: str) -> str:
    return fingerprint[:-2] + ("00" if fingerprint[-2:] != "00" else "11")


def _attacks(made: IdentityLab, fingerprint: str) -> dict[str, tuple[str, str, int]]:
    """By name: the Identity that arrives, which check finds it out, and the answer. All are of a man in the middle, or of
    who signs without a right to."""
    url = made.server.url + "/caller.pem"
    strangers = StirAuthority(made.lab.folder / "strangers")

    def token(signer=made.signer, where=url, fingerprint=fingerprint, iat=None, orig=_CALLER, **header):
        return passport(signer, where, orig, _CALLEE, fingerprint, iat, **header)

    good = token()
    head, claims, signature = good.partition(";")[0].split(".")
    info = f";info=<{url}>"
    tricks = made.server.tricks
    tricks["/hangs"] = None
    tricks["/loops"] = f"HTTP/1.1 302 Found\r\nLocation: {made.server.url}/loops\r\nContent-Length: 0\r\n\r\n".encode()
    tricks["/inside"] = f"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:{_PORT}/\r\nContent-Length: 0\r\n\r\n".encode()
    tricks["/endless"] = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 200_000
    return {
        "none": ("", "", 428),
        "another fingerprint": (token(fingerprint=swapped(fingerprint)), "media-keys", 438),
        "no fingerprint": (token(fingerprint=""), "media-keys", 438),
        "a broken signature": (f"{head}.{claims}.{signature[:-4]}AAAA{info}", "signature", 438),
        "alg none": (token(alg="none"), "algorithm", 438),
        "alg HS256": (token(alg="HS256"), "algorithm", 438),
        "no parameters": (good.partition(";")[0].replace(head, "e30"), "syntax", 438),
        "no base64": (f"{head}.!!!.{signature}{info}", "syntax", 438),
        "a long token": (f"{head}.{'A' * 5000}.{signature}{info}", "syntax", 438),
        "a stale token": (token(iat=int(time.time()) - 120), "freshness", 403),
        "another's number": (token(made.authority.issue("other", _OTHER), made.serve("/other.pem", made.authority.issue(
            "other", _OTHER))), "authority", 437),
        "an unknown authority": (token(stranger := strangers.issue("stranger", _CALLER),
                                       made.serve("/stranger.pem", stranger)), "certificate", 437),
        "another curve": (token(curved := made.authority.issue("curved", _CALLER, "secp384r1"),
                                made.serve("/curved.pem", curved)), "certificate", 437),
        "an expired certificate": (token(old := made.authority.issue("old", _CALLER, days=0),
                                         made.serve("/old.pem", old)), "certificate", 437),
        "a chain that is nowhere": (token(where=made.server.url + "/nowhere.pem"), "info", 436),
        "a server that hangs": (token(where=made.server.url + "/hangs"), "info", 436),
        "redirects for ever": (token(where=made.server.url + "/loops"), "info", 436),
        "redirects to this host": (token(where=made.server.url + "/inside"), "info", 436),
        "this host": (token(where=f"https://127.0.0.1:{_PORT}/x"), "info", 436),
        "an endless chain": (token(where=made.server.url + "/endless"), "info", 436),
    }


def test_whoever_changes_a_piece_on_the_way_gets_no_call(identity_lab):
    """The right answer in bounded time, the check in the record, and never a packet of media."""
    lab = identity_lab.lab
    with identity_lab.call() as call:
        fingerprint = call.caller.certificate.fingerprint
        agent, callee = call.caller.agent, call.callee.agent
        for name, (identity, check, status) in _attacks(identity_lab, fingerprint).items():
            invite = agent.invite(call.user, call.caller.sdp(), **identity_lab.headers(identity))
            began_s = time.monotonic()
            response = agent.wait_response(timeout_s=8)
            assert response.status == status, (name, response.start, response.get("Reason"))
            assert time.monotonic() - began_s < 6, name
            agent.ack_failure(invite, response)
            record = identity_lab.record()
            assert record["status"] == status and check in record["release_text"], (name, record)
            assert not lab.weir.ctl("flows"), name
            answer_whoever_was_called(callee)
            wait_until(lambda: lab.weir.ctl("calls") == [], 10, f"the end of {name}", 0.05)
    assert lab.weir.counters()["forwarded"] == 0
    assert_nothing_left(lab)


def answer_whoever_was_called(callee) -> None:
    """While a chain was fetched the callee was called; its INVITE is cancelled."""
    try:
        received = callee.wait_request("INVITE", 0.3)
    except TimeoutError:
        return
    callee.respond(received, 180, "Ringing")
    give_up(callee, received)


def give_up(callee, received) -> None:
    """What the callee says to a CANCEL."""
    callee.respond(callee.wait_request("CANCEL"), 200, "OK")
    callee.respond(received, 487, "Request Terminated")
    callee.wait_request("ACK")


def signed_invite(made: IdentityLab):
    """The INVITE of a call that its caller gives up at once, as it came to the callee."""
    with made.call(secured=False) as call:
        identity = passport(made.signer, made.server.url + "/caller.pem", _CALLER, _CALLEE)
        agent, callee = call.caller.agent, call.callee.agent
        invite = agent.invite(call.user, call.caller.sdp(), **made.headers(identity))
        received = callee.wait_request("INVITE")
        callee.respond(received, 180, "Ringing")
        agent.wait_response(at_least=180)
        agent.cancel(invite)
        give_up(callee, received)
        agent.ack_failure(invite, agent.wait_response())
    return received


def test_a_token_of_a_megabyte_costs_nothing(identity_lab):
    """What no header line may be is refused before it is read, by connection or datagram, and the next call is none the
    worse for it."""
    lab = identity_lab.lab
    for transport, length in (("tcp", 1 << 20), ("tcp", 60_000), ("udp", 60_000)):
        agent = SipAgent(lab.network.a, 0, transport)
        began_s = time.monotonic()
        try:
            agent.invite(f"+{_CALLEE}", "", **identity_lab.headers("A" * length + ";info=<https://198.18.1.9/x>"))
            assert agent.wait_response(timeout_s=5).status in (400, 431, 513), (transport, length)
        except (ConnectionError, EOFError):
            assert transport == "tcp"
        finally:
            agent.close()
        assert time.monotonic() - began_s < 4, (transport, length)
    assert identity_lab.server.asked == [] and lab.weir.ctl("calls") == []
    assert signed_invite(identity_lab).all("Identity")
    assert_nothing_left(lab)


def test_anothers_token_goes_on_where_it_is_wanted(identity_lab):
    lab = identity_lab.lab
    lab.weir.configuration["realm"][1]["identity"]["pass"] = True
    lab.weir.write_configuration()
    lab.weir.ctl("reload")
    values = signed_invite(identity_lab).all("Identity")
    assert len(values) == 2 and "ppt=shaken" in values[1], values
    theirs = read_identity(values[0])
    assert theirs[0]["x5u"].endswith("/caller.pem") and theirs[1]["orig"] == {"tn": _CALLER}, values
    public = lab.folder / "theirs.pem"
    public.write_bytes(subprocess.run(["openssl", "pkey", "-in", str(identity_lab.signer.key), "-pubout"], check=True,
                                      capture_output=True).stdout)
    assert verified_by_openssl(lab, public, theirs[2], theirs[3])
    assert_nothing_left(lab)


def test_a_swapped_certificate_in_the_handshake_carries_no_media(identity_lab):
    """The signature and the SDP agree; who handshakes is another."""
    lab = identity_lab.lab
    with identity_lab.call() as call:
        identity = passport(identity_lab.signer, identity_lab.server.url + "/caller.pem", _CALLER, _CALLEE,
                            call.caller.certificate.fingerprint)
        sdp = call.caller.sdp()
        call.invite = call.caller.agent.invite(call.user, sdp, **identity_lab.headers(identity))
        received = call.callee.agent.wait_request("INVITE")
        call.callee.remote = read_sdp(received.body)
        call.caller.certificate = make_certificate(lab.folder, "stranger")
        call.answer(received)
        bye = call.callee.agent.wait_request("BYE")
        call.callee.agent.respond(bye, 200, "OK")
        call.caller.agent.respond(call.caller.agent.wait_request("BYE"), 200, "OK")
    record = identity_lab.record()
    assert "certificate does not match" in record["release_text"], record
    assert record["caller"]["identity"]["outcome"] == "passed"
    assert lab.weir.counters()["forwarded"] == 0
    assert_nothing_left(lab)


def test_secsipidx_and_openssl_check_what_weir_signs(identity_lab):
    """Weir's tokens at the callee: base with our fingerprint, shaken beside it; the chain from Weir's own server."""
    lab = identity_lab.lab
    for route in lab.weir.configuration["route"]:
        route["media"] = "dtls"
    lab.weir.write_configuration()
    lab.weir.ctl("reload")
    received = signed_invite(identity_lab)
    values = received.all("Identity")
    assert len(values) == 2, received.headers
    fetched, public = fetch_chain(lab, identity_lab, re.search("info=<([^>]+)>", values[0]).group(1))
    for value in values:
        header, claims, signed, token = read_identity(value)
        assert header["alg"] == "ES256" and header["typ"] == "passport"
        assert claims["orig"] == {"tn": _CALLER} and claims["dest"] == {"tn": [_CALLEE]}
        assert verified_by_openssl(lab, public, signed, token)
    base, shaken = (next(v for v in values if ("shaken" in v) == wanted) for wanted in (False, True))
    said = re.search(r"a=fingerprint:(\S+) (\S+)", received.body)
    assert read_identity(base)[1]["mky"] == [{"alg": said.group(1), "dig": said.group(2).replace(":", "").strip()}]
    claims = read_identity(shaken)[1]
    assert claims["attest"] == "B" and len(claims["origid"]) == 36
    (lab.folder / "shaken.txt").write_text(shaken)
    checked = subprocess.run(["secsipidx", "-check", "-fidentity", str(lab.folder / "shaken.txt"), "-fpubkey", str(public),
                              "-expire", "60"], capture_output=True, text=True, timeout=20, check=False)
    assert checked.returncode == 0 and "ok" in checked.stdout.lower(), checked
    assert "BEGIN CERTIFICATE" in fetched


def fetch_chain(lab, made: IdentityLab, url: str):
    """What curl gets there, and the file of its public key."""
    done = subprocess.run(["ip", "netns", "exec", lab.network.a.namespace, "curl", "-sS", "--cacert", str(made.web.ca),
                           "--max-time", "5", url], capture_output=True, text=True, timeout=20, check=True)
    chain, public = lab.folder / "fetched.pem", lab.folder / "public.pem"
    chain.write_text(done.stdout)
    public.write_bytes(subprocess.run(["openssl", "x509", "-in", str(chain), "-pubkey", "-noout"], check=True,
                                      capture_output=True).stdout)
    return done.stdout, public


def verified_by_openssl(lab, public, signed: str, token: str) -> bool:
    raw = unbase64url(token.rpartition(".")[2])
    numbers = [value.lstrip(b"\0") for value in (raw[:32], raw[32:])]
    body = b"".join(b"\x02" + bytes([len(n := (b"\0" + one if one[0] & 0x80 else one))]) + n for one in numbers)
    (lab.folder / "signature.der").write_bytes(b"\x30" + bytes([len(body)]) + body)
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(public), "-signature",
                           str(lab.folder / "signature.der")], input=signed.encode(), capture_output=True, check=False)
    return done.returncode == 0


def test_a_token_of_secsipidx_is_believed(identity_lab):
    lab = identity_lab.lab
    made = subprocess.run(["secsipidx", "-sign-full", "-k", str(identity_lab.signer.key), "-orig-tn", _CALLER, "-dest-tn",
                           _CALLEE, "-attest", "A", "-x5u", identity_lab.server.url + "/caller.pem"],
                          capture_output=True, text=True, timeout=20, check=True)
    with identity_lab.call(secured=False) as call:
        call.invite = call.caller.agent.invite(call.user, call.caller.sdp(),
                                               **identity_lab.headers(made.stdout.strip()))
        received = call.callee.agent.wait_request("INVITE")
        call.callee.remote = read_sdp(received.body)
        call.answer(received)
        call.hang_up()
    judged = identity_lab.record()["caller"]["identity"]
    assert judged["outcome"] == "passed" and judged["attest"] == "A", judged
    assert_nothing_left(lab)


def test_keys_are_renewed_without_a_restart(identity_lab):
    """A reload signs with the new key under a new URL; the chain before it is served on."""
    lab = identity_lab.lab
    urls = [signed_url(identity_lab)]
    identity_lab.authority.issue("ours", _CALLER)
    lab.weir.ctl("reload")
    urls.append(signed_url(identity_lab))
    assert urls[0] != urls[1]
    assert fetch_chain(lab, identity_lab, urls[0])[0] != fetch_chain(lab, identity_lab, urls[1])[0]
    assert_nothing_left(lab)


def signed_url(made: IdentityLab) -> str:
    return re.search("info=<([^>]+)>", signed_invite(made).get("Identity")).group(1)
