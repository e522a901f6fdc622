"""aioice as a program: an ICE agent that is not ours, with plain RTP over what it finds. Says JSON lines: its description,
when it is connected, and what it has heard."""

import asyncio
import json
import struct
import sys
from pathlib import Path

import aioice
import aioice.ice

_STEP_S, _PACKET_S = 0.02, 0.02
_SAID_EVERY = 25  # packets


def _say(**facts) -> None:
    print(json.dumps(facts), flush=True)


async def _send(connection) -> None:
    for sequence in range(1 << 16):
        await connection.send(struct.pack("!BBHII", 0x80, 8, sequence, 160 * sequence, 0x0C0C0C0C) + b"\x33" * 160)
        await asyncio.sleep(_PACKET_S)


async def _run(role: str, address: str, remote_file: Path) -> None:
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
    connection = aioice.Connection(ice_controlling=role == "controlling", components=1, stun_server=None)
    await connection.gather_candidates()
    _say(ufrag=connection.local_username, pwd=connection.local_password,
         candidates=[candidate.to_sdp() for candidate in connection.local_candidates])
    while not remote_file.exists():
        await asyncio.sleep(_STEP_S)
    remote = json.loads(remote_file.read_text())
    connection.remote_username, connection.remote_password = remote["ufrag"], remote["pwd"]
    connection.remote_is_lite = remote["lite"]
    for candidate in remote["candidates"]:
        await connection.add_remote_candidate(aioice.Candidate.from_sdp(candidate))
    await connection.add_remote_candidate(None)
    await connection.connect()
    _say(controlling=connection.ice_controlling)
    sending = asyncio.ensure_future(_send(connection))
    heard = 0
    while not sending.done():
        packet = await connection.recv()
        heard += packet[1] & 0x7F == 8
        if heard % _SAID_EVERY == 0:
            _say(heard=heard)


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
