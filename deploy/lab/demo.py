"""deploy/demo: one real call through Weir, from a baresip or a browser to a baresip, told as it goes and judged at the end."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab.browser_call import PASSWORD, BrowserCaller, configure_page, page_url
from lab.demo_call import CALLEE_PORT, BaresipCaller, DemoCall, say
from lab.session import Lab
from lab.undo import LabError
from lab.weir import ROOT, USER

_PROGRAMS = ("dataplane/weir-media", "controlplane/weir-control", "controlplane/weirctl")


def build() -> Path:
    """A release of the three programs in ./build; seconds if nothing changed."""
    folder = ROOT / "build"
    if not (folder / "build.ninja").exists():
        say("configuring a release in ./build")
        command = ["meson", "setup", str(folder), str(ROOT), "--buildtype=release", "-Dtests=false"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError("meson could not configure the build:\n" + (done.stdout + done.stderr)[-3000:])
    ninja = subprocess.Popen(["ninja", "-C", str(folder), *_PROGRAMS], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, told_s = [], 0.0
    for line in ninja.stdout:
        output.append(line)
        step = re.match(r"\[(\d+)/(\d+)\]", line)
        if step and time.monotonic() - told_s > 5:
            told_s = time.monotonic()
            say(f"building: {step.group(1)} of {step.group(2)}")
    if ninja.wait() != 0:
        raise LabError("the build failed:\n" + "".join(output[-30:]))
    return folder


def tell_lab(lab: Lab) -> None:
    network = lab.network
    say(f"memory: {lab.memory.sentence}")
    say(f"network: {network.a.namespace} {network.a.client_address} ── {network.border} SIP {network.a.sip_address} and "
        f"{network.b.sip_address}, media {network.a.media_address} and {network.b.media_address} ── "
        f"{network.b.namespace} {network.b.client_address}")
    say(f"weir-media: pid {lab.weir.media.pid}; weir-control: pid {lab.weir.control.pid}, as user {USER}"
        f"{' (a system user made now, which stays)' if lab.made_user else ''}")


def tell_page(lab: Lab) -> None:
    """How to open the page of one's own."""
    say(f"""
The page is at {page_url(lab)} in {lab.network.a.namespace}, with a certificate that signs itself: register there as
alice@{lab.network.a.sip_address}, password {PASSWORD}, and call rtp-PORT.""")


def tell_kept(lab: Lab) -> None:
    """How to place calls of one's own."""
    network = lab.network
    enter = f"ip netns exec {network.a.namespace}"
    socket = lab.weir.configuration["control"]["socket"]
    say(f"""
It goes on running. Place calls with any SIP client in the namespaces {network.a.namespace} (address {network.a.client_address}) and
{network.b.namespace} (address {network.b.client_address}); Weir listens there on UDP and TCP port 5060 of {network.a.sip_address} and {network.b.sip_address}:

  sip:rtp-PORT@{network.a.sip_address}    from {network.a.namespace}: to {network.b.client_address}:PORT, offered as RTP/AVP
  sip:dtls-PORT@{network.a.sip_address}   from {network.a.namespace}: to {network.b.client_address}:PORT, offered as UDP/TLS/RTP/SAVP
  sip:rtp-PORT@{network.b.sip_address}, sip:dtls-PORT@{network.b.sip_address}   from {network.b.namespace}: to {network.a.client_address}:PORT, likewise

for example a callee that echoes, and a caller:
  ip netns exec {network.b.namespace} sipp -sn uas -rtp_echo -i {network.b.client_address} -mi {network.b.client_address} -p 5070
  {enter} sipp -sn uac -i {network.a.client_address} -mi {network.a.client_address} -s rtp-5070 -m 1 -d 3000 {network.a.sip_address}:5060
watch it:  {lab.programs}/controlplane/weirctl --socket {socket} calls   (status, flows, counters, call ID)
logs:      {lab.folder}/weir-media.log and weir-control.log; configuration: {lab.weir.configuration_file}
end it:    deploy/demo --stop""")


def run(options: argparse.Namespace) -> int:
    lab = Lab("demo", options.names, ROOT / "build")
    try:
        programs = build()
        if lab.open(hugepages=True):
            say("removed what an earlier run had left behind")
        assert lab.programs == programs
        if options.browser:
            configure_page(lab)
        lab.weir.start()
        tell_lab(lab)
        call = DemoCall(lab, options.seconds, make_caller(lab, options))
        call.run()
        good = call.verdict()
        if options.browser:
            say(f"the page in the middle of the call: {options.screenshot}")
        if options.keep:
            lab.keep()
            tell_kept(lab)
            if options.browser:
                tell_page(lab)
        return 0 if good else 1
    finally:
        if lab.opened:
            for number in (signal.SIGINT, signal.SIGTERM):  # cleaning up is not interrupted
                signal.signal(number, signal.SIG_IGN)
            lab.close()


def make_caller(lab: Lab, options: argparse.Namespace) -> BaresipCaller | BrowserCaller:
    if not options.browser:
        return BaresipCaller(lab)
    caller = BrowserCaller(lab, options.screenshot)
    say(f"page: {page_url(lab)}, served by weir-control; opened by {caller.browser.agent}")
    return caller


def stop() -> int:
    lab = Lab("demo", "", ROOT / "build")
    if not lab.take_over():
        say("no demo is running")
        return 0
    lab.close()
    say("ended, and everything it made is gone")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy/demo", description="Installs and builds Weir, starts it between two network namespaces and places "
        f"one call: a DTLS-SRTP caller to a plain-RTP callee (port {CALLEE_PORT}). Needs root. Exit status 0 only if each "
        "side heard the other's tone and every packet is accounted for.")
    parser.add_argument("--browser", action="store_true",
                        help="the caller is a headless Chromium at the page that Weir serves, with JsSIP from npm")
    parser.add_argument("--screenshot", type=Path, metavar="FILE",
                        help="with --browser: where to put a picture of the page in the call (default: ./weir-demo.png)")
    parser.add_argument("--keep", action="store_true", help="leave Weir running afterwards, for calls of your own")
    parser.add_argument("--stop", action="store_true", help="end what --keep left running")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the call's media (default: 10)")
    parser.add_argument("--names", default="p_", metavar="PREFIX",
                        help="what the namespaces' names start with (default: p_, for p_a, p_sbc and p_b)")
    options = parser.parse_args()
    if not 2 <= options.seconds <= 60:
        parser.error("--seconds must lie between 2 and 60")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,8}", options.names):
        parser.error("--names must be 1 to 8 letters, digits, _ or -")
    if options.screenshot and not options.browser:
        parser.error("--screenshot is for --browser: nothing else has a page")
    options.screenshot = (options.screenshot or Path("weir-demo.png")).absolute()
    if options.browser and (options.screenshot.suffix != ".png" or not os.access(options.screenshot.parent, os.W_OK)):
        parser.error(f"--screenshot must name a .png file in a folder that is there: {options.screenshot}")
    return options


def main() -> int:
    options = parse_arguments()
    if os.geteuid() != 0:
        say("deploy/demo: namespaces and hugepages need root; run it as root")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return stop() if options.stop else run(options)
    except LabError as error:
        say(f"deploy/demo: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ninterrupted; everything it made is gone")
        return 130


if __name__ == "__main__":
    sys.exit(main())
