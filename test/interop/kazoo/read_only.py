"""Kazoo with read_only=True at the one server that is left of three: python3 read_only.py HOST:PORT."""
from kazoo.client import KazooClient
from kazoo.exceptions import NotReadOnlyCallError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KeeperState

from harness import SERVER, Clients, check, equal, eventually, proxy, raises, run_all

PATH = "/read-only"


@check("without a majority a client that asks for it reads, and its writes are refused")
def reads(root):
    with Clients(read_only=True) as zk:
        equal(zk.client_state, KeeperState.CONNECTED_RO, "state")
        equal(zk.get(PATH)[0], b"written before")
        equal(zk.exists(root), None)
        assert PATH[1:] in zk.get_children("/")
        raises(NotReadOnlyCallError, zk.create, root)
        raises(NotReadOnlyCallError, zk.set, PATH, b"x")
        raises(NotReadOnlyCallError, zk.delete, PATH)
        equal(zk.get(PATH)[0], b"written before")


@check("without a majority a client that does not ask for it is not let in")
def others(_root):
    zk = KazooClient(hosts=SERVER, timeout=4.0)
    raises(KazooTimeoutError, zk.start, timeout=3)
    zk.stop()
    zk.close()


@check("once a majority is there again it has a session of its own, and writes")
def returns(root):
    with Clients(read_only=True) as zk:
        equal(zk.client_state, KeeperState.CONNECTED_RO, "state")
        proxy("restart")
        eventually(lambda: zk.client_state == KeeperState.CONNECTED, "a full connection", 40)
        equal(zk.retry(zk.create, root, b"", ephemeral=True), root)
        equal(zk.exists(root).ephemeralOwner, zk.client_id[0], "owner")
        equal(zk.set(PATH, b"written after").version, 1)


if __name__ == "__main__":
    run_all()
