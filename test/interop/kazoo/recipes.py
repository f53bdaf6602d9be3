"""Barriers, queues, parties, the partitioner, TreeCache, leases."""
import datetime
import threading
import time

from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.lease import MultiNonBlockingLease, NonBlockingLease
from kazoo.recipe.party import ShallowParty
from kazoo.recipe.partitioner import SetPartitioner

from harness import Clients, check, client, equal, eventually, in_threads


@check("Barrier holds everyone until it is removed")
def barrier(root):
    with Clients(4) as clients:
        gate = clients[0].Barrier(root)
        gate.create()
        passed = []
        assert clients[1].Barrier(root).wait(timeout=0.3) is False

        def wait(index):
            if index == 0:
                time.sleep(0.3)
                passed.append("opened")
                assert gate.remove()
            else:
                assert clients[index].Barrier(root).wait(timeout=20)
                passed.append(index)

        in_threads(4, wait)
        equal((passed[0], sorted(passed[1:])), ("opened", [1, 2, 3]))


@check("DoubleBarrier: nobody is in before all have come, nobody out before all are done")
def double_barrier(root):
    with Clients(3) as clients:
        events, guard = [], threading.Lock()

        def note(what):
            with guard:
                events.append(what)

        def work(index):
            gate = clients[index].DoubleBarrier(root, 3, "m%d" % index)
            time.sleep(index * 0.1)
            note("coming")
            gate.enter()
            note("in")
            time.sleep(index * 0.1)
            note("leaving")
            gate.leave()
            note("out")

        in_threads(3, work)
        equal(sorted(events[:3]), ["coming"] * 3, "the first three events")
        equal(sorted(events[-3:]), ["out"] * 3, "the last three events")
        clients[0].delete(root, recursive=True)


@check("Counter: curator's format and float counters")
def counters(root):
    with Clients() as zk:
        counter = zk.Counter(root + "/int", default=5, support_curator=True)
        counter += 2
        counter -= 10
        equal((counter.value, counter.pre_value, counter.post_value), (-3, 7, -3))
        equal(zk.get(root + "/int")[0], b"\xff\xff\xff\xfd")
        real = zk.Counter(root + "/float", default=1.5)
        real += 0.25
        equal(real.value, 1.75)
        zk.delete(root, recursive=True)


@check("Queue: producers and consumers at once; every item is taken exactly once, by priority")
def queue(root):
    with Clients(4) as clients:
        taken, guard = [], threading.Lock()
        done = threading.Event()

        def work(index):
            own = clients[index].Queue(root)
            if index < 2:
                for i in range(40):
                    own.put(b"%d-%d" % (index, i))
                return
            while True:
                item = own.get()
                if item is not None:
                    with guard:
                        taken.append(item)
                        if len(taken) == 80:
                            done.set()
                elif done.wait(0.01):
                    return

        in_threads(4, work)
        expected = sorted(b"%d-%d" % (p, i) for p in range(2) for i in range(40))
        equal(sorted(taken), expected)
        own = clients[0].Queue(root)
        own.put(b"late", priority=200)
        own.put(b"early", priority=10)
        own.put(b"normal")
        equal(len(own), 3)
        equal([own.get(), own.get(), own.get(), own.get()], [b"early", b"normal", b"late", None])
        clients[0].delete(root, recursive=True)


@check("LockingQueue: an item is locked, consumed once, and released when its taker dies")
def locking_queue(root):
    with Clients(3) as clients:
        clients[0].LockingQueue(root).put_all([b"%02d" % i for i in range(30)])
        taken, guard = [], threading.Lock()

        def work(index):
            own = clients[index].LockingQueue(root)
            while True:
                item = own.get(timeout=1.0)
                if item is None:
                    return
                assert own.holds_lock()
                assert own.consume()
                with guard:
                    taken.append(item)

        in_threads(3, work)
        equal(sorted(taken), [b"%02d" % i for i in range(30)])
        mortal = client(timeout=4.0)
        clients[0].LockingQueue(root).put(b"inherited")
        equal(mortal.LockingQueue(root).get(timeout=5), b"inherited")
        heir = clients[1].LockingQueue(root)
        equal(heir.get(timeout=0.3), None, "a locked item")
        mortal.stop()
        equal(heir.get(timeout=15), b"inherited")
        assert heir.release()
        clients[0].delete(root, recursive=True)


@check("Party and ShallowParty know who is there, also when somebody vanishes")
def party(root):
    with Clients(2) as (a, b):
        for path, make in ((root + "/p", lambda zk, p, i: zk.Party(p, i)),
                           (root + "/s", ShallowParty)):
            one, two = make(a, path, "one"), make(b, path, "two")
            one.join()
            two.join()
            third = client()
            make(third, path, "three").join()
            equal((len(one), sorted(one)), (3, ["one", "three", "two"]))
            third.stop()
            equal(sorted(two), ["one", "two"])
            two.leave()
            equal(sorted(one), ["one"])
        a.delete(root, recursive=True)


def drive(partitioner, stop, holdings, index):
    """The loop that kazoo's documentation prescribes for a member of a partitioning."""
    while not stop.is_set():
        if partitioner.failed:
            raise AssertionError("the partitioner failed")
        if partitioner.release:
            holdings[index] = set()
            partitioner.release_set()
        elif partitioner.acquired:
            holdings[index] = set(partitioner)
            time.sleep(0.02)
        elif partitioner.allocating:
            holdings[index] = set()
            partitioner.wait_for_acquire(timeout=1)


@check("SetPartitioner: members share a set without overlap, and share anew when one leaves")
def partitioner(root):
    items = ["item-%d" % i for i in range(7)]
    with Clients(3) as clients:
        members = [SetPartitioner(zk, root, items, identifier="m%d" % i, time_boundary=0.5)
                   for i, zk in enumerate(clients)]
        stops = [threading.Event() for _ in members]
        holdings = [set() for _ in members]
        threads = [threading.Thread(target=drive, args=(m, stops[i], holdings, i), daemon=True)
                   for i, m in enumerate(members)]
        for thread in threads:
            thread.start()

        def shared_by(count):
            sizes = sorted(len(h) for h in holdings if h)
            return (len(sizes) == count and sum(sizes) == 7
                    and set().union(*holdings) == set(items))

        eventually(lambda: shared_by(3), "shared by three: %s" % holdings, 40)
        stops[2].set()
        threads[2].join(10)
        holdings[2] = set()
        members[2].finish()
        eventually(lambda: shared_by(2), "shared by two", 40)
        for stop in stops:
            stop.set()
        for thread in threads:
            thread.join(10)
        for member in members[:2]:
            member.finish()


@check("TreeCache mirrors a subtree that others change")
def tree_cache(root):
    with Clients(2) as (zk, other):
        other.create(root, b"top")
        other.create(root + "/a", b"1")
        cache = TreeCache(zk, root)
        kinds, faults = [], []
        cache.listen(lambda event: kinds.append(event.event_type))
        cache.listen_fault(faults.append)
        cache.start()
        eventually(lambda: TreeEvent.INITIALIZED in kinds, "initialized")
        for i in range(20):
            other.ensure_path("%s/dir%d/leaf" % (root, i % 5))
            other.set("%s/dir%d/leaf" % (root, i % 5), b"%d" % i)
        other.delete(root + "/dir0", recursive=True)
        other.set(root + "/a", b"2")

        def matches():
            names = cache.get_children(root, frozenset())
            a = cache.get_data(root + "/a")
            leaf = cache.get_data(root + "/dir4/leaf")
            return (set(names) == {"a", "dir1", "dir2", "dir3", "dir4"}
                    and a is not None and a.data == b"2"
                    and leaf is not None and leaf.data == b"19")

        eventually(matches, "the cache equals the tree")
        equal(faults, [])
        cache.close()
        other.delete(root, recursive=True)


@check("leases: one holder, renewable by the same name; a multi lease has room for its number")
def leases(root):
    with Clients(2) as (a, b):
        hour = datetime.timedelta(hours=1)
        assert NonBlockingLease(a, root + "/one", hour, identifier="a")
        assert not NonBlockingLease(b, root + "/one", hour, identifier="b")
        assert NonBlockingLease(a, root + "/one", hour, identifier="a")
        late = datetime.datetime.utcnow() + 3 * hour
        assert NonBlockingLease(b, root + "/one", hour, identifier="b", utcnow=lambda: late)
        got = [bool(MultiNonBlockingLease(a, 2, root + "/two", hour, identifier=i)) for i in "xyz"]
        equal(got, [True, True, False])
        a.delete(root, recursive=True)
