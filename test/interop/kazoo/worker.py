"""One contender in a process of its own: worker.py HOST:PORT KIND ROOT ROUNDS.

Inside the critical section it does what only one (or `limit`) may do at once: it makes a node
that nobody else may have made, and it reads and writes a number without any version check. If two
were ever inside together, the create would fail or an update would be lost.
"""
import random
import sys
import time

from kazoo.exceptions import NodeExistsError


def critical(zk, root):
    try:
        zk.create(root + "/inside", ephemeral=True)
    except NodeExistsError:
        zk.create(root + "/violation-", sequence=True)
        return
    value, _ = zk.get(root + "/number")
    time.sleep(random.random() * 0.004)
    zk.set(root + "/number", b"%d" % (int(value) + 1))
    zk.delete(root + "/inside")


def with_lock(zk, root, rounds):
    lock = zk.Lock(root + "/lock", "worker")
    for _ in range(rounds):
        with lock:
            critical(zk, root)


def with_election(zk, root, rounds):
    election = zk.Election(root + "/election", "worker")
    for _ in range(rounds):
        election.run(critical, zk, root)


def with_semaphore(zk, root, rounds):
    """Everyone inside leaves a node; more than two at once is a violation."""
    semaphore = zk.Semaphore(root + "/semaphore", max_leases=2)
    for _ in range(rounds):
        with semaphore:
            mine = zk.create(root + "/holders/h-", ephemeral=True, sequence=True)
            count = len(zk.get_children(root + "/holders"))
            if count > 2:
                zk.create(root + "/violation-", sequence=True)
            if count == 2:
                zk.ensure_path(root + "/two-were-in")
            time.sleep(random.random() * 0.01)
            zk.delete(mine)


def with_counter(zk, root, rounds):
    counter = zk.Counter(root + "/counter")
    for _ in range(rounds):
        counter += 3
        counter -= 1


KINDS = {"lock": with_lock, "election": with_election,
         "semaphore": with_semaphore, "counter": with_counter}


def main():
    from harness import client

    _, _, kind, root, rounds = sys.argv
    zk = client()
    # All wait for the start, so that they really contend.
    zk.create(root + "/ready/", ephemeral=True, sequence=True)
    while not zk.exists(root + "/start"):
        time.sleep(0.005)
    KINDS[kind](zk, root, int(rounds))
    zk.stop()


if __name__ == "__main__":
    main()
