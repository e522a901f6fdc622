"""Whole calls over other ports and other numbers of workers than the sample configuration's."""

import os

import pytest
from calls_test import Row, call
from conftest import assert_all_accounted, assert_clean_end


def test_two_workers_share_a_port_with_one_queue(quiet_lab):
    """Worker 0 polls; what belongs to worker 1 goes over the rings between them, and so does what worker 1 sends."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("two workers need two cores")
    quiet_lab.weir.configuration["media"]["worker_cores"] = cores[:2]
    quiet_lab.weir.start()
    call(quiet_lab, Row("DTLS to RTP", "dtls_srtp", ""), "-1")  # calls take turns: the workers have one each
    call(quiet_lab, Row("RTP to DTLS", "", "dtls_srtp"), "-2")
    forwarded = [worker["forwarded"] for worker in quiet_lab.weir.ctl("counters")["workers"]]
    assert len(forwarded) == 2 and min(forwarded) > 200, forwarded
    assert_all_accounted(quiet_lab)
    assert_clean_end(quiet_lab)


def test_a_call_over_af_xdp(quiet_lab):
    for number, network in enumerate(quiet_lab.weir.configuration["network"]):
        interface = network["device"].split("iface=")[1]
        network["device"] = f"net_af_xdp{number},iface={interface}"
    quiet_lab.weir.start()
    call(quiet_lab, Row("DTLS to RTP", "dtls_srtp", ""))
    assert_all_accounted(quiet_lab)
    assert_clean_end(quiet_lab)


def test_a_call_through_a_worker_that_sleeps_when_idle(quiet_lab):
    quiet_lab.weir.configuration["media"]["idle_sleep_us_max"] = 50
    quiet_lab.weir.start()
    call(quiet_lab, Row("DTLS to RTP", "dtls_srtp", ""))
    assert quiet_lab.weir.counters()["idle_sleeps"] > 0
    assert_all_accounted(quiet_lab)
    assert_clean_end(quiet_lab)
