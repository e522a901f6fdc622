"""Phones that register: baresip with digest authentication, calls to where it is, restarts, and a flood of REGISTERs."""

from pathlib import Path

import pytest
from conftest import assert_clean_end, assert_nothing_left

from lab.baresip import Baresip, Phone
from lab.process import Process, wait_until
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall
from support.soak import soak

_DOMAIN = "example.com"
_PASSWORD = "wonderland"
_GROWTH_MAX_KB = 64 * 1024
_FLOOD_PER_S = 5000


def start_with_registrar(lab) -> None:
    """Weir with a registrar for example.com in realm a; realm b's calls to alice go to where she registered."""
    users = lab.folder / "users.toml"
    users.write_text(f'[[user]]\nname = "alice"\ndomain = "{_DOMAIN}"\npassword = "{_PASSWORD}"\n')
    configuration = lab.weir.configuration
    configuration["registrar"] = {"users": str(users), "store": str(lab.weir.run_folder / "registrations.db"),
                                  "algorithms": ["MD5"]}  # baresip 1.0 gives up at a challenge of another one
    configuration["realm"][0]["registrar"] = {"domain": _DOMAIN}
    configuration["route"].insert(0, {"realm": "b", "match": "^sip:alice@.*", "registrar": True, "to_realm": "a"})
    lab.weir.start()


def alice(lab, transport: str, password: str = _PASSWORD) -> Baresip:
    side = lab.network.a
    return Baresip(lab.undo, side, lab.folder / f"alice-{transport}",
                   Phone("alice", 5080, answers=True, transport=transport, domain=_DOMAIN, password=password,
                         outbound=f"sip:{side.sip_address};transport={transport}"))


def call_alice(lab, name: str) -> None:
    """A whole call from side b that she answers."""
    caller = Baresip(lab.undo, lab.network.b, lab.folder / name, Phone("caller", 5082))
    caller.dial(f"sip:alice@{lab.network.b.sip_address}")
    caller.wait_for("CALL_ESTABLISHED")
    caller.hang_up()
    assert_nothing_left(lab)
    caller.stop()


def kill_and_start(lab) -> None:
    lab.weir.control.kill()
    lab.weir.start_control()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_phone_registers_is_called_and_still_known_after_a_restart(quiet_lab, transport):
    lab = quiet_lab
    start_with_registrar(lab)
    phone = alice(lab, transport)
    rows = wait_until(lambda: lab.weir.ctl("registrations"), 15, "alice to be registered", 0.2)
    assert [(row["user"], row["transport"], row["realm"]) for row in rows] == [("alice", transport, "a")], rows
    assert rows[0]["source"].startswith(lab.network.a.client_address) and 0 < rows[0]["expires_s"] <= 60
    call_alice(lab, "first")
    wait_until(lambda: b"alice" in (lab.weir.run_folder / "registrations.db-wal").read_bytes(), 10, "it to be on disk")
    kill_and_start(lab)
    again = lab.weir.ctl("registrations")
    assert [(row["user"], row["contact"]) for row in again] == [("alice", rows[0]["contact"])], again
    call_alice(lab, "second")
    assert _PASSWORD not in lab.weir.control.text()
    phone.stop()
    assert_clean_end(lab)


def test_a_phone_with_a_wrong_password_is_not_registered(quiet_lab):
    lab = quiet_lab
    start_with_registrar(lab)
    phone = alice(lab, "udp", "guess")
    wait_until(lambda: "wrong user or password" in lab.weir.control.text(), 15, "a line in the log", 0.2)
    assert lab.weir.ctl("registrations") == []
    phone.stop()
    assert_clean_end(lab)


def memory_kb(process: Process) -> int:
    """What it has in memory now."""
    status = Path(f"/proc/{process.child.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def flood(lab, seconds: int) -> None:
    """SIPp sends REGISTERs for so long."""
    side = lab.network.a
    argv = ["sipp", "-sf", str(Path(__file__).parent / "register_flood.xml"), "-i", side.client_address, "-p", "5074",
            "-r", str(_FLOOD_PER_S), "-m", str(_FLOOD_PER_S * seconds), "-timeout", str(4 * seconds), "-nostdin",
            f"{side.sip_address}:5060"]
    Process(lab.undo, argv, lab.folder / "sipp-flood.log", side.namespace, lab.folder).wait(5 * seconds + 20)


@pytest.mark.parametrize("limits", [{}, {"registers_per_s_max": 0, "registers_per_s_per_source_max": 0}],
                         ids=["limited", "every one answered"])
def test_a_flood_of_registers_takes_no_memory_and_calls_go_on(quiet_lab, tmp_path, limits):
    lab = quiet_lab
    lab.weir.configuration["limits"] |= limits
    start_with_registrar(lab)
    with ScriptedCall(lab, tmp_path).establish() as call:
        def heard():
            return call.caller.media.heard(CALLEE_PAYLOAD), call.callee.media.heard(CALLER_PAYLOAD)
        wait_until(lambda: min(heard()) > 20, 15, "media")
        before_kb = memory_kb(lab.weir.control)
        messages = lab.weir.ctl("status")["control"]["sip_messages_in"]
        flood(lab, soak(60))
        came = lab.weir.ctl("status")["control"]["sip_messages_in"] - messages
        grown_kb = memory_kb(lab.weir.control) - before_kb
        assert came > 1000 * soak(60), f"only {came} messages came: no flood"
        assert grown_kb <= _GROWTH_MAX_KB, f"{came} REGISTERs made it grow by {grown_kb} kB"
        assert lab.weir.ctl("registrations") == []
        so_far = heard()
        wait_until(lambda: all(now > then + 50 for now, then in zip(heard(), so_far)), 15, "media after the flood")
        call.hang_up()
        assert_nothing_left(lab)
    assert_clean_end(lab)
