"""The configuration of an embedded Mosquitto: the text, and why each line stands in it."""

from __future__ import annotations

__all__ = ["configuration"]

_TEMPLATE = """\
# Written by Attune at each start; changes are lost. A broker of your own is set under [broker] in agent.toml.

# This machine alone may connect, so no passwords: whoever can open a loopback port can read the listener's files too.
listener {port} 127.0.0.1
allow_anonymous true
{user}
# Retained state, sessions and queued QoS 1 messages survive a restart. Saved at the end and every minute: what a sudden
# power cut takes is at most a minute of queued samples.
persistence true
persistence_location ./
persistence_file mosquitto.db
autosave_interval 60
persistent_client_expiration 7d

# A small packet goes out at once instead of waiting for the acknowledgement of the one before: latency over bandwidth.
set_tcp_nodelay true

# Per client: enough on its way for 200 packs a second at the worst delay of a busy little machine, and a bounded queue
# for a client that is away or slow (100,000 packs of heart rate: a day at 1 Hz).
max_inflight_messages 200
max_queued_messages 100000
max_queued_bytes 67108864

# Attune refuses payloads over 256 KiB and says so in its health; for that they must get through. Who sends more than
# this is disconnected, so that nobody fills the memory.
max_packet_size 8388608

# No broker statistics: nobody reads them, and they would wake every subscriber of '#'.
sys_interval 0

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""

_AS_ROOT = """
# Started as root, Mosquitto would change to a user that cannot write this folder.
user root
"""


def configuration(port: int, *, as_root: bool) -> str:
    """Return Mosquitto's configuration for a broker on 127.0.0.1 that keeps its files in the directory it runs in.

    Args:
        port: TCP port.
        as_root: whether the process that starts it runs as root.
    """
    return _TEMPLATE.format(port=port, user=_AS_ROOT if as_root else "")
