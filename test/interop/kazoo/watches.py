"""Watches, the two watcher recipes, and what survives a lost connection."""
import threading

from kazoo import exceptions as zke
from kazoo.protocol.states import EventType, KazooState
from kazoo.recipe.watchers import PatientChildrenWatch

from harness import (PROXY, Clients, check, check_with_restart, client, equal, eventually,
                     proxy, raises)


@check("one-shot watches fire once, with the right event, before the reply that shows the change")
def one_shot(root):
    with Clients(2) as (zk, other):
        seen = []
        equal(zk.exists(root, watch=seen.append), None)
        other.create(root)
        eventually(lambda: len(seen) == 1, "created")
        zk.get(root, watch=seen.append)
        zk.get_children(root, watch=seen.append)
        other.set(root, b"1")
        other.set(root, b"2")
        other.create(root + "/x")
        other.create(root + "/y")
        eventually(lambda: len(seen) == 3, "changed and child")
        zk.get(root + "/x", watch=seen.append)
        other.delete(root + "/x")
        eventually(lambda: len(seen) == 4, "deleted")
        equal([(e.type, e.path) for e in seen], [
            (EventType.CREATED, root), (EventType.CHANGED, root),
            (EventType.CHILD, root), (EventType.DELETED, root + "/x")])
        other.delete(root, recursive=True)


@check("DataWatch sees the last state of every burst, in order, through deletion and re-creation")
def data_watch(root):
    with Clients(2) as (zk, other):
        values = []
        zk.DataWatch(root, lambda data, stat: values.append(data))
        eventually(lambda: values == [None], "the first call, without a node")
        other.create(root, b"0")
        for i in range(1, 60):
            other.set(root, b"%d" % i)
        eventually(lambda: values[-1] == b"59", "the last value")
        other.delete(root)
        eventually(lambda: values[-1] is None, "the deletion")
        other.create(root, b"again")
        eventually(lambda: values[-1] == b"again", "the re-creation")
        numbers = [int(v) for v in values if v not in (None, b"again")]
        equal(numbers, sorted(set(numbers)), "values seen")
        other.delete(root)


@check("ChildrenWatch converges on the children, whoever makes and removes them")
def children_watch(root):
    with Clients(3) as (zk, b, c):
        zk.create(root)
        seen = []
        zk.ChildrenWatch(root, lambda children: seen.append(sorted(children)))
        for i in range(40):
            (b if i % 2 else c).create("%s/n%02d" % (root, i))
        eventually(lambda: seen[-1] == ["n%02d" % i for i in range(40)], "all forty")
        for i in range(0, 40, 2):
            c.delete("%s/n%02d" % (root, i))
        eventually(lambda: seen[-1] == ["n%02d" % i for i in range(1, 40, 2)], "the odd twenty")
        zk.delete(root, recursive=True)


@check("PatientChildrenWatch waits until the children have settled")
def patient_watch(root):
    with Clients(2) as (zk, other):
        zk.create(root)
        watch = PatientChildrenWatch(zk, root, time_boundary=0.5)
        result = watch.start()
        for i in range(5):
            other.create("%s/p%d" % (root, i))
        children, _ = result.get(timeout=20)
        equal(sorted(children), ["p%d" % i for i in range(5)])
        zk.delete(root, recursive=True)


@check("after a lost connection the client keeps session, ephemerals and order of its writes")
def reconnect(root):
    with Clients(2) as (zk, _):
        mine = client(server=PROXY, timeout=15.0)
        states = []
        mine.add_listener(states.append)
        zk.create(root)
        mine.create(root + "/e", ephemeral=True)
        before = mine.client_id
        for i in range(5):
            proxy("cut")
            mine.retry(mine.create, "%s/after-%d" % (root, i))
        equal(mine.client_id, before, "the session")
        assert KazooState.SUSPENDED in states and KazooState.LOST not in states, states
        equal(zk.exists(root + "/e").ephemeralOwner, before[0])
        equal(len(zk.get_children(root)), 6)
        mine.stop()
        equal(len(zk.get_children(root)), 5)
        zk.delete(root, recursive=True)


@check("a change missed while disconnected reaches DataWatch and ChildrenWatch after reconnecting")
def missed_changes(root):
    with Clients() as zk:
        mine = client(server=PROXY, timeout=15.0)
        zk.create(root, b"old")
        data, children = [], []
        mine.DataWatch(root, lambda value, stat: data.append(value))
        mine.ChildrenWatch(root, lambda names: children.append(sorted(names)))
        eventually(lambda: data == [b"old"] and children == [[]], "the first calls")
        proxy("refuse")
        eventually(lambda: not mine.connected, "disconnected")
        zk.set(root, b"new")
        zk.create(root + "/born-meanwhile")
        proxy("accept")
        eventually(lambda: data[-1] == b"new", "the missed data change")
        eventually(lambda: children[-1] == ["born-meanwhile"], "the missed child")
        mine.stop()
        zk.delete(root, recursive=True)


@check("a client cut off for longer than its time-out loses session and ephemerals, and recovers")
def lost_session(root):
    with Clients() as zk:
        mine = client(server=PROXY, timeout=4.0)
        lost = threading.Event()
        mine.add_listener(lambda state: lost.set() if state == KazooState.LOST else None)
        zk.create(root)
        mine.create(root + "/e", ephemeral=True)
        before = mine.client_id[0]
        proxy("refuse")
        eventually(lambda: zk.exists(root + "/e") is None, "the ephemeral is removed", 15)
        proxy("accept")
        assert lost.wait(20), "the client is never told"
        eventually(lambda: mine.connected, "connected again")
        assert mine.client_id[0] != before, "a new session"
        equal(mine.retry(mine.exists, root + "/e"), None)
        mine.stop()
        zk.delete(root, recursive=True)


@check("re-attaching with a wrong password is refused as an expired session")
def wrong_password(root):
    with Clients() as zk:
        zk.create(root + "-e", ephemeral=True)
        thief = client(client_id=(zk.client_id[0], b"0123456789abcdef"))
        eventually(lambda: (thief.client_id or zk.client_id)[0] != zk.client_id[0],
                   "a session of the thief's own")
        thief.stop()
        raises(zke.NoNodeError, zk.get, root + "-none")
        equal(zk.exists(root + "-e").ephemeralOwner, zk.client_id[0])
        zk.delete(root + "-e")


@check_with_restart("a killed and restarted server: session, ephemerals, lock and watch are kept")
def restart(root):
    with Clients(timeout=40.0) as zk:
        lock = zk.Lock(root + "/lock", "holder")
        assert lock.acquire()
        zk.create(root + "/e", b"mine", ephemeral=True)
        values = []
        zk.DataWatch(root + "/e", lambda data, stat: values.append(data))
        session = zk.client_id[0]
        for _ in range(2):
            proxy("restart")
            eventually(lambda: zk.connected and zk.client_id, "connected again", 60)
        equal(zk.client_id[0], session, "session")
        equal(zk.retry(zk.exists, root + "/e").ephemeralOwner, session)
        with Clients() as other:
            assert not other.Lock(root + "/lock").acquire(blocking=False)
            other.set(root + "/e", b"changed")
            eventually(lambda: values[-1] == b"changed", "the watch fires")
            lock.release()
            assert other.Lock(root + "/lock").acquire(timeout=10)
        zk.delete(root, recursive=True)
