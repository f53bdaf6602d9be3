package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.inThreads;
import static interop.Suite.isTrue;
import static interop.Suite.proxy;
import static interop.Suite.text;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** Curator's locks, leaders and barriers. */
final class CuratorLocks {
  private final String server;

  CuratorLocks(String server, Suite suite) {
    this.server = server;
    suite.add("InterProcessMutex: four clients, one inside, no lost update", this::mutex);
    suite.add("InterProcessMutex: re-entrant, times out, passes on from the dead", this::mutexMore);
    suite.add("InterProcessSemaphoreMutex and MultiLock", this::semaphoreMutex);
    suite.add("InterProcessReadWriteLock: readers together, writers alone", this::readWrite);
    suite.add("InterProcessReadWriteLock: a writer may downgrade", this::downgrade);
    suite.add("InterProcessSemaphoreV2: never more than its leases", this::semaphore);
    suite.add("LeaderLatch: always one leader, the next takes over", this::latch);
    suite.add("LeaderLatch: a leader cut off for too long is replaced", this::latchCutOff);
    suite.add("LeaderSelector: all lead in turns, one at a time", this::selector);
    suite.add("DistributedBarrier and DistributedDoubleBarrier", this::barriers);
  }

  private void mutex(String root) throws Exception {
    try (Curator clients = new Curator(server, 4)) {
      Curator.Section section = new Curator.Section(clients.get(0), root + "/number");
      inThreads(4, index -> {
        InterProcessMutex mutex = new InterProcessMutex(clients.get(index), root + "/lock");
        for (int i = 0; i < 25; i++) {
          mutex.acquire();
          try {
            section.enter(clients.get(index));
          } finally {
            mutex.release();
          }
        }
      });
      section.verify(clients.get(0), 100);
      equal(clients.get(0).getChildren().forPath(root + "/lock"), List.of(), "left behind");
    }
  }

  private void mutexMore(String root) throws Exception {
    try (Curator clients = new Curator(server, 2)) {
      InterProcessMutex one = new InterProcessMutex(clients.get(0), root);
      InterProcessMutex two = new InterProcessMutex(clients.get(1), root);
      one.acquire();
      isTrue(one.acquire(1, TimeUnit.SECONDS), "the owner may enter again");
      isTrue(!two.acquire(200, TimeUnit.MILLISECONDS), "nobody else may");
      one.release();
      isTrue(!two.acquire(200, TimeUnit.MILLISECONDS), "still held once");
      clients.get(0).close();
      isTrue(two.acquire(10, TimeUnit.SECONDS), "the dead one's lock passes on");
      equal(two.getParticipantNodes().size(), 1, "participants");
      two.release();
    }
  }

  private void semaphoreMutex(String root) throws Exception {
    try (Curator clients = new Curator(server, 2)) {
      InterProcessSemaphoreMutex a = new InterProcessSemaphoreMutex(clients.get(0), root + "/a");
      InterProcessSemaphoreMutex b = new InterProcessSemaphoreMutex(clients.get(1), root + "/a");
      a.acquire();
      isTrue(!b.acquire(200, TimeUnit.MILLISECONDS), "taken");
      InterProcessMultiLock both = new InterProcessMultiLock(clients.get(1),
          List.of(root + "/x", root + "/y"));
      both.acquire();
      InterProcessMutex y = new InterProcessMutex(clients.get(0), root + "/y");
      isTrue(!y.acquire(200, TimeUnit.MILLISECONDS), "held by the multi lock");
      both.release();
      isTrue(y.acquire(10, TimeUnit.SECONDS), "free again");
      a.release();
      isTrue(b.acquire(10, TimeUnit.SECONDS), "free again");
    }
  }

  private void readWrite(String root) throws Exception {
    try (Curator clients = new Curator(server, 4)) {
      CuratorFramework first = clients.get(0);
      for (String name : List.of("/x", "/y")) {
        first.create().creatingParentsIfNeeded().forPath(root + name, bytes("0"));
      }
      AtomicInteger torn = new AtomicInteger();
      inThreads(4, index -> {
        CuratorFramework own = clients.get(index);
        InterProcessReadWriteLock lock = new InterProcessReadWriteLock(own, root + "/rw");
        for (int i = 0; i < 15; i++) {
          if (index < 2) {
            lock.writeLock().acquire();
            int value = Integer.parseInt(text(own.getData().forPath(root + "/x"))) + 1;
            own.setData().forPath(root + "/x", bytes("" + value));
            own.setData().forPath(root + "/y", bytes("" + value));
            lock.writeLock().release();
          } else {
            lock.readLock().acquire();
            String x = text(own.getData().forPath(root + "/x"));
            if (!x.equals(text(own.getData().forPath(root + "/y")))) torn.incrementAndGet();
            lock.readLock().release();
          }
        }
      });
      equal(torn.get(), 0, "half-done writes seen");
      equal(text(first.getData().forPath(root + "/y")), "30", "the number");
    }
  }

  private void downgrade(String root) throws Exception {
    try (Curator clients = new Curator(server, 2)) {
      InterProcessReadWriteLock one = new InterProcessReadWriteLock(clients.get(0), root);
      InterProcessReadWriteLock two = new InterProcessReadWriteLock(clients.get(1), root);
      one.writeLock().acquire();
      isTrue(!two.readLock().acquire(200, TimeUnit.MILLISECONDS), "the writer is alone");
      isTrue(one.readLock().acquire(5, TimeUnit.SECONDS), "the writer may read");
      one.writeLock().release();
      isTrue(two.readLock().acquire(10, TimeUnit.SECONDS), "two readers");
      isTrue(!two.writeLock().acquire(200, TimeUnit.MILLISECONDS), "a reader is there");
      one.readLock().release();
      two.readLock().release();
    }
  }

  private void semaphore(String root) throws Exception {
    try (Curator clients = new Curator(server, 4)) {
      AtomicInteger inside = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      AtomicInteger done = new AtomicInteger();
      inThreads(4, index -> {
        InterProcessSemaphoreV2 semaphore =
            new InterProcessSemaphoreV2(clients.get(index), root + "/semaphore", 2);
        for (int i = 0; i < 12; i++) {
          Lease lease = semaphore.acquire();
          most.accumulateAndGet(inside.incrementAndGet(), Math::max);
          Thread.sleep(3);
          inside.decrementAndGet();
          semaphore.returnLease(lease);
          done.incrementAndGet();
        }
      });
      equal(List.of(most.get(), done.get()), List.of(2, 48), "most inside, turns in all");
      InterProcessSemaphoreV2 last =
          new InterProcessSemaphoreV2(clients.get(0), root + "/semaphore", 2);
      equal(last.acquire(2, 5, TimeUnit.SECONDS).size(), 2, "leases at once");
      equal(last.acquire(200, TimeUnit.MILLISECONDS), null, "a third lease");
    }
  }

  private void latch(String root) throws Exception {
    try (Curator clients = new Curator(server, 3)) {
      List<LeaderLatch> latches = IntStream.range(0, 3)
          .mapToObj(index -> new LeaderLatch(clients.get(index), root, "m" + index))
          .toList();
      for (LeaderLatch latch : latches) latch.start();
      for (int left = 3; left > 0; left--) {
        List<LeaderLatch> open = latches.stream()
            .filter(latch -> latch.getState() == LeaderLatch.State.STARTED).toList();
        eventually("somebody leads", () -> open.stream().anyMatch(LeaderLatch::hasLeadership));
        List<LeaderLatch> leaders = open.stream().filter(LeaderLatch::hasLeadership).toList();
        equal(leaders.size(), 1, "number of leaders");
        eventually("all have joined", () -> leaders.get(0).getParticipants().size() == open.size());
        for (LeaderLatch latch : open) {
          equal(latch.getLeader().getId(), leaders.get(0).getId(), "the leader all see");
        }
        leaders.get(0).close();
      }
    }
  }

  private void latchCutOff(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework mortal = Curator.open(Suite.PROXY, 4000);
      LeaderLatch first = new LeaderLatch(mortal, root, "first");
      first.start();
      isTrue(first.await(10, TimeUnit.SECONDS), "the first leads");
      LeaderLatch second = new LeaderLatch(clients.get(0), root, "second");
      second.start();
      proxy("refuse");
      eventually("the first gives up", () -> !first.hasLeadership());
      isTrue(second.await(15, TimeUnit.SECONDS), "the second takes over");
      isTrue(!first.hasLeadership(), "never two");
      proxy("accept");
      eventually("the first is a participant again", 30_000,
          () -> second.getParticipants().size() == 2);
      isTrue(second.hasLeadership() && !first.hasLeadership(), "the second still leads");
      second.close();
      isTrue(first.await(15, TimeUnit.SECONDS), "the first leads again");
      first.close();
      mortal.close();
    }
  }

  private void selector(String root) throws Exception {
    try (Curator clients = new Curator(server, 3)) {
      Curator.Section section = new Curator.Section(clients.get(0), root + "/number");
      AtomicInteger[] terms = new AtomicInteger[3];
      LeaderSelector[] selectors = new LeaderSelector[3];
      for (int i = 0; i < 3; i++) {
        AtomicInteger own = terms[i] = new AtomicInteger();
        selectors[i] = new LeaderSelector(clients.get(i), root + "/leader",
            new LeaderSelectorListenerAdapter() {
              @Override
              public void takeLeadership(CuratorFramework client) throws Exception {
                section.enter(client);
                own.incrementAndGet();
              }
            });
        selectors[i].autoRequeue();
        selectors[i].start();
      }
      eventually("all have led five times", 40_000,
          () -> IntStream.range(0, 3).allMatch(i -> terms[i].get() >= 5));
      for (LeaderSelector selector : selectors) selector.close();
      equal(section.mostInside.get(), 1, "most leaders at once");
    }
  }

  private void barriers(String root) throws Exception {
    try (Curator clients = new Curator(server, 3)) {
      DistributedBarrier gate = new DistributedBarrier(clients.get(0), root + "/gate");
      gate.setBarrier();
      isTrue(!new DistributedBarrier(clients.get(1), root + "/gate")
          .waitOnBarrier(200, TimeUnit.MILLISECONDS), "closed");
      AtomicInteger coming = new AtomicInteger();
      AtomicInteger leaving = new AtomicInteger();
      inThreads(3, index -> {
        DistributedDoubleBarrier barrier =
            new DistributedDoubleBarrier(clients.get(index), root + "/double", 3);
        Thread.sleep(100L * index);
        coming.incrementAndGet();
        isTrue(barrier.enter(20, TimeUnit.SECONDS), "entered");
        equal(coming.get(), 3, "how many had come when one was in");
        Thread.sleep(100L * index);
        leaving.incrementAndGet();
        isTrue(barrier.leave(20, TimeUnit.SECONDS), "left");
        equal(leaving.get(), 3, "how many were leaving when one was out");
        if (index == 0) gate.removeBarrier();
        else new DistributedBarrier(clients.get(index), root + "/gate").waitOnBarrier();
      });
    }
  }
}
