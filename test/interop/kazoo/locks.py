"""Locks, semaphore, election and counter, contended by several processes at once."""
import os
import subprocess
import sys
import threading

from kazoo.exceptions import CancelledError, LockTimeout

from harness import SERVER, Clients, check, client, equal, eventually, in_threads, raises


def contend(zk, kind, root, processes, rounds):
    """Runs worker processes that all start together, and waits until all end well."""
    for name in ("/ready", "/holders"):
        zk.ensure_path(root + name)
    zk.create(root + "/number", b"0")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    command = [sys.executable, script, SERVER, kind, root, str(rounds)]
    workers = [subprocess.Popen(command) for _ in range(processes)]
    try:
        eventually(lambda: len(zk.get_children(root + "/ready")) == processes, "all ready", 40)
        zk.create(root + "/start")
        equal([w.wait(60) for w in workers], [0] * processes, "exit codes of the workers")
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
    violations = [n for n in zk.get_children(root) if n.startswith("violation-")]
    equal(violations, [], "violations of mutual exclusion")


@check("Lock: four processes never meet inside, and no update is lost")
def lock_processes(root):
    with Clients() as zk:
        contend(zk, "lock", root, 4, 20)
        equal(zk.get(root + "/number")[0], b"80")
        equal(zk.get_children(root + "/lock"), [], "contenders left behind")
        zk.delete(root, recursive=True)


@check("Election: four processes lead in turns, one at a time")
def election_processes(root):
    with Clients() as zk:
        contend(zk, "election", root, 4, 10)
        equal(zk.get(root + "/number")[0], b"40")
        zk.delete(root, recursive=True)


@check("Semaphore of two: four processes, sometimes two and never three inside")
def semaphore_processes(root):
    with Clients() as zk:
        contend(zk, "semaphore", root, 4, 15)
        assert zk.exists(root + "/two-were-in"), "never more than one inside"
        equal(zk.get_children(root + "/semaphore"), [], "leases left behind")
        zk.delete(root, recursive=True)


@check("Counter: four processes add and subtract, and every change counts")
def counter_processes(root):
    with Clients() as zk:
        contend(zk, "counter", root, 4, 15)
        equal(zk.Counter(root + "/counter").value, 4 * 15 * 2)
        zk.delete(root, recursive=True)


@check("Lock: contenders are listed, time-outs and non-blocking tries work, cancel ends a wait")
def lock_details(root):
    with Clients(3) as (a, b, c):
        first, second = a.Lock(root, "first"), b.Lock(root, "second")
        assert first.acquire()
        assert not second.acquire(blocking=False)
        raises(LockTimeout, second.acquire, timeout=0.3)
        outcome = []
        waiter = threading.Thread(
            target=lambda: outcome.append(raises(CancelledError, second.acquire)))
        waiter.start()
        eventually(lambda: c.Lock(root).contenders() == ["first", "second"], "both listed")
        second.cancel()
        waiter.join(10)
        equal(len(outcome), 1, "number of cancelled acquires")
        eventually(lambda: c.Lock(root).contenders() == ["first"], "the second has gone")
        first.release()
        assert second.acquire(timeout=10)
        second.release()
        c.delete(root, recursive=True)


@check("Lock: when the holder's session ends, the next in line gets it")
def lock_of_the_dead(root):
    with Clients() as zk:
        holder = client(timeout=4.0)
        assert holder.Lock(root, "holder").acquire()
        lock = zk.Lock(root, "heir")
        holder.stop()
        assert lock.acquire(timeout=15)
        lock.release()
        zk.delete(root, recursive=True)


@check("ReadLock and WriteLock: readers share, a writer excludes all")
def read_write(root):
    with Clients(3) as (a, b, w):
        readers = [a.ReadLock(root + "/rw", "r"), b.ReadLock(root + "/rw", "r")]
        writer = w.WriteLock(root + "/rw", "w")
        for reader in readers:
            assert reader.acquire(timeout=10)
        assert not writer.acquire(blocking=False)
        readers[0].release()
        assert not writer.acquire(blocking=False)
        readers[1].release()
        assert writer.acquire(timeout=10)
        assert not readers[0].acquire(blocking=False)
        writer.release()
        assert readers[0].acquire(timeout=10)
        readers[0].release()
        w.delete(root, recursive=True)


# Readers and writers are not mixed under load: in kazoo 2.8 a reader waits for the last writer in
# line, even one that came after it and waits for that reader (the two then wait for ever).
@check("WriteLock: four writers at once lose no update, and a reader then sees the last one")
def write_load(root):
    with Clients(4) as clients:
        zk = clients[0]
        zk.ensure_path(root)
        zk.create(root + "/x", b"0")

        def work(index):
            own = clients[index]
            for _ in range(15):
                with own.WriteLock(root + "/rw"):
                    value = int(own.get(root + "/x")[0]) + 1
                    own.set(root + "/x", b"%d" % value)

        in_threads(4, work)
        with zk.ReadLock(root + "/rw"):
            equal(zk.get(root + "/x")[0], b"60")
        zk.delete(root, recursive=True)


@check("Semaphore: lease holders are listed, a full one refuses, a released lease passes on")
def semaphore_details(root):
    with Clients(3) as clients:
        semaphores = [zk.Semaphore(root, "s%d" % i, max_leases=2) for i, zk in enumerate(clients)]
        assert semaphores[0].acquire() and semaphores[1].acquire()
        assert not semaphores[2].acquire(blocking=False)
        equal(sorted(semaphores[2].lease_holders()), ["s0", "s1"])
        semaphores[0].release()
        assert semaphores[2].acquire(timeout=10)
        clients[0].delete(root, recursive=True)
