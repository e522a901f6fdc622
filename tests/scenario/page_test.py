"""The page that weir-control serves over HTTPS: what an HTTP client that knows nothing of Weir gets, and what hostile ones
do not get."""

import contextlib
import http.client
import socket
import ssl
import time

import pytest
from conftest import assert_clean_end

from lab.namespace import tcp_connection
from lab.undo import LabError
from support.tls import Authority
from support.web_agent import open_websocket

_WS, _WSS = 8080, 8443
_NAME = "a.example"
_SCRIPT = b"'use strict';\n" + b"// " + b"x" * 700_000 + b"\n"  # larger than any queue of a connection


@pytest.fixture
def page_lab(quiet_lab):
    """Realm a serves a page over TLS as a.example, and speaks WebSocket in clear too."""
    lab = quiet_lab
    lab.folder.chmod(0o755)
    lab.authority = Authority(lab.folder / "tls")
    lab.web = lab.folder / "web"
    lab.web.mkdir()
    (lab.web / "index.html").write_text("<!doctype html><title>Weir</title>")
    (lab.web / "page.js").write_bytes(_SCRIPT)
    (lab.folder / "secret.js").write_text("beside the folder")
    realm, address = lab.weir.configuration["realm"][0], lab.network.a.sip_address
    realm["listen"] += [f"ws:{address}:{_WS}", f"wss:{address}:{_WSS}"]
    realm["tls"] = {"certificates": [lab.authority.issue("a", f"DNS:{_NAME}")]}
    realm["websocket"] = {"origins": [f"https://{_NAME}"], "page": str(lab.web)}
    return lab


def tls_to(lab) -> ssl.SSLSocket:
    bare = tcp_connection(lab.network.a.namespace, lab.network.a.sip_address, _WSS, 30)
    return lab.authority.client().wrap_socket(bare, server_hostname=_NAME)


def ask(lab, method: str, path: str, headers: dict | None = None) -> tuple[http.client.HTTPResponse, bytes]:
    """Python's own HTTP client over TLS, on a connection of its own."""
    client = http.client.HTTPSConnection(_NAME, _WSS)
    client.sock = tls_to(lab)
    client.putrequest(method, path)
    for name, value in (headers or {}).items():
        client.putheader(name, value)
    client.endheaders()
    answer = client.getresponse()
    body = answer.read()
    client.close()
    return answer, body


def hear(connection: socket.socket) -> bytes:
    """What comes until the border ends the connection."""
    connection.settimeout(30)
    text = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            text += data
    return text


def control(lab) -> dict:
    return lab.weir.ctl("status")["control"]


def test_an_https_client_gets_the_page_and_may_keep_it(page_lab):
    lab = page_lab
    lab.weir.start()
    answer, body = ask(lab, "GET", "/")
    assert (answer.status, body) == (200, (lab.web / "index.html").read_bytes())
    assert answer.headers["Content-Type"].startswith("text/html") and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer, body = ask(lab, "GET", "/page.js")
    assert (answer.status, body) == (200, _SCRIPT)
    head, nothing = ask(lab, "HEAD", "/page.js")
    assert (head.status, head.headers["Content-Length"], nothing) == (200, str(len(_SCRIPT)), b"")
    again, nothing = ask(lab, "GET", "/page.js", {"If-None-Match": answer.headers["ETag"]})
    assert (again.status, nothing) == (304, b"")
    assert control(lab)["page_requests"] == 4
    open_websocket(lab.network.a, _WSS, lab.authority.client(), _NAME, origin=f"https://{_NAME}").close()
    assert_clean_end(lab)


@pytest.mark.parametrize("path", ["/../secret.js", "/..%2fsecret.js", "/%2e%2e/secret.js", "/web/../../secret.js",
                                  "//secret.js", "/secret.js", "/../../../../../../etc/passwd", "/page.js%00", "/.."])
def test_nothing_outside_the_folder_is_had(page_lab, path):
    page_lab.weir.start()
    answer, body = ask(page_lab, "GET", path)
    assert (answer.status, body) == (404, b"")


def test_only_get_and_head_are_served(page_lab):
    page_lab.weir.start()
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        answer, _ = ask(page_lab, method, "/")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD"), method
    answer, _ = ask(page_lab, "GET", "/", {"Content-Length": "5"})
    assert answer.status == 400


def test_in_clear_there_is_no_page(page_lab):
    page_lab.weir.start()
    connection = tcp_connection(page_lab.network.a.namespace, page_lab.network.a.sip_address, _WS)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert hear(connection).startswith(b"HTTP/1.1 426 ")


def test_hostile_requests_are_ended_and_others_are_served(page_lab):
    lab = page_lab
    lab.weir.configuration["limits"]["tcp_first_message_s"] = 3
    lab.weir.start()
    endless = tls_to(lab)
    with contextlib.suppress(ConnectionError):
        endless.sendall(b"GET / HTTP/1.1\r\nCookie: " + b"x" * 100_000)
    assert hear(endless)[:13] in (b"HTTP/1.1 431 ", b"")  # a reset may overtake it
    slow, greedy = tls_to(lab), [tls_to(lab) for _ in range(20)]
    slow.sendall(b"GET / HTTP/1.1\r\n")
    for one in greedy:  # they ask and do not read
        one.sendall(b"GET /page.js HTTP/1.1\r\nHost: a.example\r\n\r\n")
    answer, body = ask(lab, "GET", "/page.js")
    assert (answer.status, body) == (200, _SCRIPT)
    ended = time.monotonic() + 60
    while control(lab)["tcp_connections"] > 0 and time.monotonic() < ended:
        with contextlib.suppress(OSError):
            slow.sendall(b"X")
        time.sleep(0.2)
    assert control(lab)["tcp_connections"] == 0 and control(lab)["tcp_mute"] == 1
    for one in greedy:
        one.close()


def test_a_reload_shows_the_folder_as_it_is_then_or_changes_nothing(page_lab):
    lab = page_lab
    lab.weir.start()
    before = ask(lab, "GET", "/")[0].headers["ETag"]
    (lab.web / "index.html").write_text("<!doctype html><title>another</title>")
    assert ask(lab, "GET", "/")[0].headers["ETag"] == before, "what was read at start"
    lab.weir.ctl("reload")
    answer, body = ask(lab, "GET", "/", {"If-None-Match": before})
    assert (answer.status, body) == (200, b"<!doctype html><title>another</title>")
    (lab.web / "index.html").unlink()
    with pytest.raises(LabError, match="holds no index.html"):
        lab.weir.ctl("reload")
    assert ask(lab, "GET", "/")[0].status == 200


def test_a_folder_that_is_not_there_is_an_error_at_start_that_names_it(page_lab):
    lab = page_lab
    lab.weir.configuration["realm"][0]["websocket"]["page"] = "/nonexistent/web"
    lab.weir.start_media()
    status, said = lab.weir.run_program("weir-control", "controlplane")
    assert status == 1 and "[realm.websocket] page: realm 'a': /nonexistent/web cannot be read" in said, said
