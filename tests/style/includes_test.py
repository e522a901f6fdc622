"""The dependency law: which folder may include what. Includes are written from the root."""

import re

import pytest
import tree

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# Folders of ours that each folder's code may include.
_MAY_INCLUDE = {
    "proto": {"proto"},
    "sip": {"sip", "proto"},
    "dataplane": {"dataplane", "proto"},
    "controlplane": {"controlplane", "sip", "proto"},
    "bench": {"bench", "dataplane", "controlplane", "sip", "proto", "tests"},
    "tests": {"tests", "proto", "sip", "dataplane", "controlplane", "bench"},
}
_THIRD_PARTY = re.compile(
    r"^(rte_|intel-ipsec-mb|openssl/|boost/|spdlog/|fmt/|CLI/|toml\+\+|re2/|ares\.h|sqlite3|srtp2/|benchmark/|gtest/|gmock/)")
# What makes sip/ touch the world: sockets, clocks, threads, files.
_WORLD = re.compile(r"^(sys/|netinet/|arpa/|poll\.h|time\.h|unistd\.h|fcntl\.h|ctime|thread|mutex|future|condition_variable|"
                    r"atomic|fstream|iostream|cstdio|random|boost/|openssl/|spdlog/|sqlite3|rte_)")


def includes(name: str) -> list[tuple[str, str]]:
    """(bracket, path) of every include of a file."""
    return _INCLUDE.findall(tree.read(name))


def one_rule_broken(allowed) -> list[str]:
    """"FILE includes PATH" for every include of every file that `allowed(name, bracket, path)` refuses."""
    return [f"{name} includes {path}" for name in tree.cpp_files() for bracket, path in includes(name)
            if not allowed(name, bracket, path)]


def test_includes_of_our_own_are_written_from_the_root():
    assert one_rule_broken(lambda name, bracket, path: bracket == "<" or (tree.ROOT / path).is_file()) == []


def test_every_folder_includes_only_what_the_law_allows():
    def allowed(name, bracket, path):
        return bracket == "<" or path.split("/")[0] in _MAY_INCLUDE[name.split("/")[0]]
    assert one_rule_broken(allowed) == []


def test_dpdk_stays_in_the_dataplane_and_the_benchmarks():
    def allowed(name, _, path):
        return not path.startswith("rte_") or name.startswith(("dataplane/", "bench/", "tests/"))
    assert one_rule_broken(allowed) == []


def test_ipsec_mb_stays_in_the_cipher_and_the_benchmarks_floor():
    def allowed(name, _, path):
        return "intel-ipsec-mb" not in path or name.startswith(("dataplane/cipher", "bench/"))
    assert one_rule_broken(allowed) == []


def test_openssl_and_asio_stay_out_of_the_dataplane_proto_and_sip():
    def allowed(name, _, path):
        return not path.startswith(("openssl/", "boost/")) or name.startswith(("controlplane/", "tests/", "bench/"))
    assert one_rule_broken(allowed) == []


def test_proto_uses_nothing_but_the_standard_library_and_the_system():
    def allowed(name, _, path):
        return not name.startswith("proto/") or name.startswith("proto/settings/") or not _THIRD_PARTY.match(path)
    assert one_rule_broken(allowed) == []


def test_sip_has_no_sockets_no_clock_no_threads_and_no_files():
    assert one_rule_broken(lambda name, _, path: not name.startswith("sip/") or not _WORLD.match(path)) == []
    clocks = [name for name in tree.cpp_files() if name.startswith("sip/")
              and re.search(r"_clock::now|clock_gettime|gettimeofday|std::time\(|std::rand", tree.read(name))]
    assert clocks == []


@pytest.mark.parametrize("line, bracket, path", [
    ('#include "proto/rtp.h"', '"', "proto/rtp.h"),
    ("#include <rte_mbuf.h>", "<", "rte_mbuf.h"),
    ("  #  include <sys/socket.h>  // why", "<", "sys/socket.h"),
])
def test_the_check_itself_sees_an_include(line, bracket, path):
    assert _INCLUDE.findall(line) == [(bracket, path)]
