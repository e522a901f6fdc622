"""The demo's call: places it, tells it as it goes, and judges it."""

import time
from typing import Protocol

from lab import ladder
from lab.baresip import Baresip, Phone
from lab.process import wait_until
from lab.session import Lab
from lab.sniffer import Datagram, Sniffer
from lab.undo import LabError
from lab.weir import unaccounted

CALLEE_PORT = 5080
CALLER_HZ = 1000
CALLEE_HZ = 440
_TONE_SHARE_MIN = 0.9  # of the call's media time that the other's tone must be heard


def say(text: str = "") -> None:
    print(text, flush=True)


class Caller(Protocol):
    """Who places the call. Its microphone hears CALLER_HZ."""

    def dial(self, uri: str) -> None: ...
    def hang_up(self) -> None: ...
    def established(self) -> bool: ...
    def ended(self) -> str:
        """Why there is no call, or none any more; "": there may be one."""
    def messages(self) -> list[Datagram]:
        """The SIP messages so far that its link shows to nobody else."""
    def security(self) -> tuple[list[str], list[str]]:
        """What it says itself of how its media is secured, line by line; and what is wrong with that."""
    def watch(self) -> None:
        """Called once for each second of the call."""
    def heard(self) -> tuple[float, str]:
        """Seconds of CALLEE_HZ, and in words; after the call."""
    def stop(self) -> None: ...


class BaresipCaller:
    """A baresip with DTLS-SRTP."""

    def __init__(self, lab: Lab):
        self.client = Baresip(lab.undo, lab.network.a, lab.folder / "caller",
                              Phone("caller", 5082, CALLER_HZ, profile="dtls_srtp"))
        self.dial, self.hang_up, self.stop = self.client.dial, self.client.hang_up, self.client.stop

    def established(self) -> bool:
        return self.client.reported("CALL_ESTABLISHED")

    def ended(self) -> str:
        return self.client.said() if self.client.reported("CALL_CLOSED") else ""

    def messages(self) -> list[Datagram]:
        return []

    def security(self) -> tuple[list[str], list[str]]:
        return [], []

    def watch(self) -> None:
        pass

    def heard(self) -> tuple[float, str]:
        return recorded(self.client, CALLEE_HZ)


def recorded(client: Baresip, other_hz: int) -> tuple[float, str]:
    heard = client.heard(other_hz)
    return heard.tone_s, (f"recorded {heard.recording_s:.1f} s, of it {heard.tone_s:.1f} s of the other's {other_hz} Hz tone")


class DemoCall:
    """Owner of both clients and of a sniffer on each client's link."""

    def __init__(self, lab: Lab, seconds: float, caller: Caller):
        self.weir = lab.weir
        self.network = lab.network
        self.seconds = seconds
        self.sniffers = (Sniffer(lab.network.a), Sniffer(lab.network.b))
        self.caller = caller
        self._told = [0, 0, 0]  # messages of each link, and of the caller
        self._untold: list[tuple[float, int, Datagram]] = []
        self._start_s = 0.0
        self._problems: list[str] = []
        self.callee = Baresip(lab.undo, lab.network.b, lab.folder / "callee",
                              Phone(f"rtp-{CALLEE_PORT}", CALLEE_PORT, CALLEE_HZ, answers=True))

    def run(self) -> None:
        """From the INVITE to the last flow's end."""
        say()
        say(ladder.heading(self.network.a.client_address, "weir", self.network.b.client_address))
        self._start_s = time.time()
        self.caller.dial(f"sip:rtp-{CALLEE_PORT}@{self.network.a.sip_address}")
        wait_until(self._answered, 15, "the call to be answered")
        wait_until(self._media_both_ways, 15, "media in both directions")
        self._tell_security()
        self._watch_media()
        self.caller.hang_up()
        wait_until(self._over, 15, "the call to end on both legs")
        time.sleep(0.5)  # what is still on the links arrives and is counted
        self._tell_messages()
        time.sleep(0.1)
        self._tell_messages()

    def verdict(self) -> bool:
        """Says what each side heard and where every packet went, then the verdict; True if all is well."""
        for client in (self.caller, self.callee):
            client.stop()
        for sniffer in self.sniffers:
            sniffer.stop()
        problems = self._problems + self._judge_sound() + self._judge_links() + self._judge_packets()
        say()
        if problems:
            say("VERDICT: FAILED: " + "; ".join(problems))
        else:
            say("VERDICT: OK: both tones heard through DTLS-SRTP on one leg and RTP on the other, every packet accounted for")
        return not problems

    def _answered(self) -> bool:
        self._tell_messages()
        if reason := self.caller.ended():
            raise LabError(f"the call ended before it was answered; the caller's client said {reason}")
        return self.caller.established()

    def _media_both_ways(self) -> bool:
        self._tell_messages()
        return all(sniffer.streams_to(sniffer.side.client_address) for sniffer in self.sniffers)

    def _over(self) -> bool:
        self._tell_messages()
        return self.callee.reported("CALL_CLOSED") and not self.weir.ctl("flows")

    def _tell_messages(self) -> None:
        """The SIP messages since the last time, those of both links in order of time."""
        until_s = time.time()
        time.sleep(0.02)  # by then everybody has seen what there was until now
        sources = (self.sniffers[0].sip, self.sniffers[1].sip, self.caller.messages())
        for number, (source, link) in enumerate(zip(sources, (0, 1, 0))):
            news = source[self._told[number]:]
            self._told[number] += len(news)
            self._untold += [(message.at_s, link, message) for message in news]
        self._untold.sort(key=lambda entry: entry[0])
        while self._untold and self._untold[0][0] <= until_s:
            _, link, message = self._untold.pop(0)
            from_client = message.source[0] == self.sniffers[link].side.client_address
            say(ladder.rung(self._start_s, message, from_client == (link == 0), link == 0))

    def _tell_security(self) -> None:
        hello = self.sniffers[0].server_hello()
        if hello is None:
            raise LabError("the caller's link carried no DTLS ServerHello")
        call = self.weir.ctl("call", str(self.weir.ctl("calls")[0]["call"]))
        secured = call["legs"][0]["security"]
        if not secured["verdict"].startswith("matches"):
            self._problems.append("the caller's fingerprint was not verified")
        said, problems = self.caller.security()
        self._problems += problems
        say(f"""
  seen on the caller's link   {hello.version}, {hello.cipher_suite}, SRTP profile {hello.srtp_profile}
  said by weir-control        {secured['version']}, {secured['cipher_suite']}, SRTP profile {secured['profile']}
  the caller's fingerprint    {secured['fingerprint']}
                              {secured['verdict']}""" + "".join(f"\n  {line}" for line in said))

    def _watch_media(self) -> None:
        """Packets per second each way and new drops, once a second."""
        say("\n  RTP packets per second:   caller → weir → callee     callee → weir → caller     dropped, by reason")
        start_s, rates_before, drops_before = time.monotonic(), self._rtp_counts(), self.weir.drops()
        for second in range(1, int(self.seconds + 0.5) + 1):
            time.sleep(max(0.0, start_s + second - time.monotonic()))
            rates, drops = self._rtp_counts(), self.weir.drops()
            self.caller.watch()
            (a_in, a_out), (b_in, b_out) = ([now - then for now, then in zip(rates[way], rates_before[way])]
                                            for way in (0, 1))
            news = [f"{reason} {count - drops_before.get(reason, 0)}" for reason, count in drops.items()
                    if count != drops_before.get(reason, 0)]
            say(f"  {second:4} s {'':18} {a_in:6}   {a_out:6} {'':11} {b_in:6}   {b_out:6} {'':9}  {', '.join(news) or 'none'}")
            rates_before, drops_before = rates, drops
        say()

    def _rtp_counts(self) -> tuple[list[int], list[int]]:
        """RTP packets in and out so far, from the caller and from the callee."""
        counts = ([0, 0], [0, 0])
        for flow in self.weir.ctl("flows"):
            counts[flow["network"]][0] += flow["rtp_in"]
            counts[flow["network"]][1] += flow["rtp_out"]
        return counts

    def _judge_sound(self) -> list[str]:
        problems = []
        for name, (tone_s, words) in (("caller", self.caller.heard()), ("callee", recorded(self.callee, CALLER_HZ))):
            say(f"  the {name} {words}")
            if tone_s < _TONE_SHARE_MIN * self.seconds:
                problems.append(f"the {name} heard only {tone_s:.1f} s of the other's tone")
        return problems

    def _judge_links(self) -> list[str]:
        """Gaps in what each client received, by its link's sequence numbers."""
        problems = []
        for name, sniffer in zip(("caller", "callee"), self.sniffers):
            streams = sniffer.streams_to(sniffer.side.client_address)
            lost = sum(stream.lost for stream in streams)
            say(f"  the {name}'s link brought {sum(stream.packets for stream in streams)} media packets, {lost} lost")
            if lost:
                problems.append(f"{lost} media packets to the {name} were lost")
        return problems

    def _judge_packets(self) -> list[str]:
        answer = self.weir.ctl("counters")
        total = answer["total"]
        say(f"\n  packets into weir-media      {total['received']:8}")
        for name, meaning in (("forwarded", "media sent on"), ("punted", "DTLS, given to weir-control"),
                              ("answered", "ARP and ICMP answered"), ("absorbed", "ARP replies taken in")):
            say(f"    {name:26} {total[name]:8}  {meaning}")
        for row in answer["drops"]:
            if row["packets"]:
                say(f"    dropped: {row['reason']:17} {row['packets']:8}  {row['meaning']}")
        missing = unaccounted(total)
        say(f"    unaccounted                {missing:8}")
        return [f"{missing} packets are not accounted for"] if missing else []
