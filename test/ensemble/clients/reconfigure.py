"""One reconfiguration by kazoo: reconfigure.py SERVERS JOINING LEAVING [MEMBERS]; `-` is nothing."""

import sys

from kazoo.client import KazooClient


def main():
    servers, *texts = sys.argv[1:]
    joining, leaving, members = [None if text == "-" else text for text in (texts + ["-"])[:3]]
    client = KazooClient(hosts=servers, auth_data=[("digest", "super:admin")])
    client.start(timeout=30)
    data, _ = client.reconfig(joining, leaving, members)
    print(data.decode())
    client.stop()


main()
