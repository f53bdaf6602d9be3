"""Rides through failovers with kazoo: writes one after the other until its standard input ends."""

import sys
import threading

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import ConnectionLoss, SessionExpiredError

counts = {KazooState.CONNECTED: 0, KazooState.SUSPENDED: 0, KazooState.LOST: 0}
acked = 0
unknown = 0
over = threading.Event()


def count(state):
    counts[state] += 1


def wait_for_end():
    sys.stdin.read()
    over.set()


def write(client):
    global acked, unknown
    try:
        client.set("/riders/kazoo", b"x")
        acked += 1
    except ConnectionLoss:
        unknown += 1
        over.wait(0.01)


def main():
    client = KazooClient(hosts=sys.argv[1], timeout=8, connection_retry={"max_tries": -1})
    client.add_listener(count)
    client.start(timeout=30)
    client.create("/riders/kazoo", b"")
    client.create("/riders/kazoo-alive", b"", ephemeral=True)
    session = client.client_id[0]
    print("ready", flush=True)
    threading.Thread(target=wait_for_end, daemon=True).start()
    while not over.is_set() and counts[KazooState.LOST] == 0:
        try:
            write(client)
        except SessionExpiredError:
            break
    _, stat = client.retry(client.get, "/riders/kazoo")
    alive = client.retry(client.exists, "/riders/kazoo-alive") is not None
    same = client.client_id[0] == session
    lost = counts[KazooState.LOST]
    print(f"suspended {counts[KazooState.SUSPENDED]} lost {lost} acked {acked} unknown {unknown} "
          f"version {stat.version} alive {int(alive and same)}", flush=True)
    client.stop()


main()
