"""Starts that must fail: one sentence that says what to do, and an exit status other than 0."""

import time

import pytest

from lab.process import wait_until

_MEDIA = ("weir-media", "dataplane")
_CONTROL = ("weir-control", "controlplane")


def refused_start(lab, program: tuple[str, ...], *words: str) -> None:
    """The program ends by itself with a status other than 0, no signal, and a last line that holds every word."""
    status, output = lab.weir.run_program(*program)
    assert 0 < status < 128, f"status {status}: {output}"
    last = [line for line in output.splitlines() if line.strip()][-1]
    assert [word for word in words if word not in last] == [], output


@pytest.mark.parametrize("program", [_MEDIA, _CONTROL], ids=lambda program: program[0])
def test_a_second_instance_is_refused(lab, program):
    refused_start(lab, program, f"another {program[0]}")
    assert lab.weir.ctl("status")


def test_a_region_that_weir_control_uses_is_not_discarded(lab):
    lab.weir.media.kill()
    refused_start(lab, (*_MEDIA, "--discard-region"), "weir-control", "stop")
    lab.weir.start_media()
    assert lab.weir.ctl("status")["media"]["starts"] == 2, "what weir-control has mapped is what weir-media uses"


def test_weir_control_without_weir_media_says_what_is_missing(quiet_lab):
    refused_start(quiet_lab, _CONTROL, "weir-media")


def test_weir_control_waits_for_the_workers_before_it_says_that_they_are_gone(quiet_lab):
    weir = quiet_lab.weir
    weir.start_media()
    weir.media.kill()  # its region stays
    time.sleep(1.5)
    weir.start_control()
    weir.start_media()
    wait_until(lambda: "weir-media is alive" in weir.control.text(), 5, "the workers to be noticed", 0.1)
    assert "has stopped" not in weir.control.text() and "does not run" not in weir.control.text()
    weir.media.kill()
    wait_until(lambda: "weir-media has stopped" in weir.control.text(), 5, "their end to be noticed", 0.1)
    weir.control.stop()
    weir.start_control()
    wait_until(lambda: "weir-media does not run: start it" in weir.control.text(), 12, "their absence to be noticed", 0.1)


def test_hugepages_that_are_demanded_and_missing(quiet_lab):
    media = quiet_lab.weir.configuration["media"]
    media["hugepages"], media["memory_mb"] = "require", 1 << 20
    refused_start(quiet_lab, _MEDIA, "hugepages")


@pytest.mark.parametrize("device, words", [
    ("net_af_packet1,iface=nosuch0", ("No such device", "check", "exists and is up")),
    ("net_nosuch0,iface=media-a", ("check", "its arguments")),
    ("0000:7e:1f.7", ("PCI address", "vfio-pci")),
], ids=["interface", "driver", "PCI"])
def test_a_device_that_is_not_there(quiet_lab, device, words):
    quiet_lab.weir.configuration["network"][1]["device"] = device
    refused_start(quiet_lab, _MEDIA, "network 'inside'", f"'{device}'", *words)


def test_an_address_that_the_host_does_not_have(lab):
    lab.weir.control.stop()
    lab.weir.configuration["realm"][0]["listen"] = ["udp:198.18.1.99:5060"]
    refused_start(lab, _CONTROL, "198.18.1.99:5060")
    lab.weir.configuration["realm"][0]["listen"] = ["udp:198.18.1.1:5060"]
    lab.weir.start_control()


@pytest.mark.parametrize("program", [_MEDIA, _CONTROL], ids=lambda program: program[0])
def test_a_region_of_another_version(lab, program):
    lab.weir.stop()
    for segment in ("media", "control"):
        with (lab.weir.region_folder / segment).open("r+b") as header:
            header.seek(8)  # SegmentHeader::version
            header.write((999).to_bytes(4, "little"))
    refused_start(lab, program, "version")
    for segment in ("media", "control"):
        (lab.weir.region_folder / segment).unlink()
    lab.weir.start()


@pytest.mark.parametrize("missing", ["realm", "route"])
def test_a_configuration_that_would_serve_nobody_is_a_mistake(quiet_lab, missing):
    weir = quiet_lab.weir
    for name in ("realm", "route") if missing == "realm" else ("route",):
        del weir.configuration[name]
    for program in (_MEDIA, _CONTROL):
        status, output = weir.run_program(*program)
        assert 0 < status < 128 and f"{weir.configuration_file}:0: there is no [[{missing}]]" in output, output


def test_every_mistake_in_the_configuration_is_named_with_its_line(quiet_lab):
    weir = quiet_lab.weir
    weir.configuration["media"]["hugepages"] = "perhaps"
    weir.configuration["control"]["calls_max"] = 0
    weir.configuration["route"][0]["match"] = "("
    for program in (_MEDIA, _CONTROL):
        status, output = weir.run_program(*program)
        text = weir.configuration_file.read_text().splitlines()
        lines = [text.index(next(line for line in text if wanted in line)) + 1
                 for wanted in ('"perhaps"', "calls_max = 0")]
        assert 0 < status < 128
        for line in lines:
            assert f"{weir.configuration_file}:{line}: " in output, output
        assert "route" in output or "match" in output
