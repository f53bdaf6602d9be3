package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.inThreads;
import static interop.Suite.isTrue;
import static interop.Suite.proxy;
import static interop.Suite.raises;
import static interop.Suite.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** Curator's framework, counters, persistent nodes and groups. */
final class CuratorNodes {
  private final String server;

  CuratorNodes(String server, Suite suite) {
    this.server = server;
    suite.add("framework: creates of every style, guaranteed deletes", this::framework);
    suite.add("framework: transactions and background calls", this::transactions);
    suite.add("SharedCount: versioned changes, listeners, one winner", this::sharedCount);
    suite.add("DistributedAtomicLong and Integer: every change counts", this::atomics);
    suite.add("PersistentNode comes back whatever deletes it", this::persistentNode);
    suite.add("PersistentTtlNode is touched while it is open, and goes afterwards", this::ttlNode);
    suite.add("GroupMember: the group as each member sees it", this::group);
  }

  private void framework(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework client = clients.get(0);
      client.create().creatingParentContainersIfNeeded().forPath(root + "/a/b/c", bytes("x"));
      String path = client.create().withProtection()
          .withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(root + "/a/p-");
      isTrue(path.matches(".*/_c_[0-9a-f-]{36}-p-0000000001"), "a protected path: " + path);
      client.create().orSetData().forPath(root + "/a/b/c", bytes("y"));
      equal(text(client.getData().forPath(root + "/a/b/c")), "y", "data");
      client.create().withTtl(60_000).withMode(CreateMode.PERSISTENT_WITH_TTL)
          .forPath(root + "/a/ttl");
      client.delete().guaranteed().deletingChildrenIfNeeded().forPath(root + "/a");
      eventually("the container is removed", Suite.REAP_MS,
          () -> client.checkExists().forPath(root) == null);
      client.delete().quietly().forPath(root + "/a");
      raises(KeeperException.NoNodeException.class, () -> client.delete().forPath(root + "/a"));
      client.usingNamespace(root.substring(1)).create().forPath("/inside");
      isTrue(client.checkExists().forPath(root + "/inside") != null, "inside the namespace");
    }
  }

  private void transactions(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework client = clients.get(0);
      List<CuratorTransactionResult> results = client.transaction().forOperations(
          client.transactionOp().create().forPath(root, bytes("1")),
          client.transactionOp().create().withMode(CreateMode.EPHEMERAL).forPath(root + "/e"),
          client.transactionOp().setData().withVersion(0).forPath(root, bytes("2")),
          client.transactionOp().check().withVersion(1).forPath(root),
          client.transactionOp().delete().forPath(root + "/e"));
      equal(results.get(2).getResultStat().getVersion(), 1, "version");
      raises(KeeperException.BadVersionException.class, () -> client.transaction().forOperations(
          client.transactionOp().setData().forPath(root, bytes("3")),
          client.transactionOp().check().withVersion(1).forPath(root)));
      equal(text(client.getData().forPath(root)), "2", "data after a failed transaction");
      AtomicInteger answered = new AtomicInteger();
      for (int i = 0; i < 500; i++) {
        client.create().inBackground((own, event) -> {
          if (event.getResultCode() == 0) answered.incrementAndGet();
        }).forPath(root + "/" + i);
      }
      eventually("all five hundred", () -> answered.get() == 500);
      client.delete().deletingChildrenIfNeeded().forPath(root);
    }
  }

  private void sharedCount(String root) throws Exception {
    try (Curator clients = new Curator(server, 4)) {
      SharedCount[] counts = new SharedCount[4];
      for (int i = 0; i < 4; i++) {
        counts[i] = new SharedCount(clients.get(i), root, 10);
        counts[i].start();
      }
      AtomicInteger won = new AtomicInteger();
      inThreads(4, index -> {
        for (int done = 0; done < 10; ) {
          SharedCount own = counts[index];
          if (own.trySetCount(own.getVersionedValue(), own.getCount() + 1)) {
            done++;
            won.incrementAndGet();
          }
        }
      });
      equal(won.get(), 40, "changes won");
      for (SharedCount count : counts) {
        eventually("everybody sees the last value", () -> count.getCount() == 50);
        count.close();
      }
    }
  }

  private void atomics(String root) throws Exception {
    try (Curator clients = new Curator(server, 4)) {
      AtomicInteger succeeded = new AtomicInteger();
      inThreads(4, index -> {
        DistributedAtomicLong own = new DistributedAtomicLong(clients.get(index), root + "/long",
            new RetryNTimes(100, 5));
        for (int i = 0; i < 25; i++) {
          AtomicValue<Long> value = own.add(1L << 33);
          if (!value.succeeded()) continue;
          equal(value.postValue() - value.preValue(), 1L << 33, "one step");
          succeeded.incrementAndGet();
        }
      });
      DistributedAtomicLong sum =
          new DistributedAtomicLong(clients.get(0), root + "/long", new RetryNTimes(1, 1));
      isTrue(succeeded.get() > 50, "most changes succeed, not " + succeeded.get());
      equal(sum.get().postValue(), (1L << 33) * succeeded.get(), "the sum");
      DistributedAtomicInteger small =
          new DistributedAtomicInteger(clients.get(0), root + "/int", new RetryNTimes(1, 1));
      isTrue(small.initialize(7), "initialized");
      isTrue(!small.initialize(8), "not twice");
      isTrue(small.compareAndSet(7, -1).succeeded(), "compare and set");
      isTrue(!small.compareAndSet(7, 3).succeeded(), "not from an old value");
      equal(small.get().postValue(), -1, "value");
    }
  }

  private void persistentNode(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework owner = Curator.open(Suite.PROXY, 4000);
      CuratorFramework other = clients.get(0);
      PersistentNode node =
          new PersistentNode(owner, CreateMode.EPHEMERAL, false, root + "/n", bytes("me"));
      node.start();
      isTrue(node.waitForInitialCreate(10, TimeUnit.SECONDS), "created");
      other.delete().forPath(root + "/n");
      eventually("back after a deletion", () -> other.checkExists().forPath(root + "/n") != null);
      long session = owner.getZookeeperClient().getZooKeeper().getSessionId();
      proxy("refuse");
      eventually("gone with its session", () -> other.checkExists().forPath(root + "/n") == null);
      proxy("accept");
      eventually("back in a new session", 40_000,
          () -> other.checkExists().forPath(root + "/n") != null);
      isTrue(other.checkExists().forPath(root + "/n").getEphemeralOwner() != session, "new owner");
      equal(text(other.getData().forPath(root + "/n")), "me", "data");
      node.close();
      eventually("gone for good", () -> other.checkExists().forPath(root + "/n") == null);
      owner.close();
    }
  }

  private void ttlNode(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework client = clients.get(0);
      PersistentTtlNode node = new PersistentTtlNode(client, root, 2000, bytes("d"));
      node.start();
      isTrue(node.waitForInitialCreate(10, TimeUnit.SECONDS), "created");
      int firstVersion = client.checkExists().forPath(root).getCversion();
      eventually("touched again and again",
          () -> client.checkExists().forPath(root).getPzxid()
              != client.checkExists().forPath(root).getCzxid());
      long untilNanos = System.nanoTime() + 5_000_000_000L;
      while (System.nanoTime() < untilNanos) {
        isTrue(client.checkExists().forPath(root) != null, "it lives while it is open");
        Thread.sleep(100);
      }
      isTrue(client.checkExists().forPath(root).getCversion() >= firstVersion, "cversion");
      node.close();
      eventually("gone when nobody touches it", 2 * Suite.REAP_MS,
          () -> client.checkExists().forPath(root) == null);
    }
  }

  private void group(String root) throws Exception {
    try (Curator clients = new Curator(server, 3)) {
      List<GroupMember> members = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        members.add(new GroupMember(clients.get(i), root, "m" + i, bytes("data " + i)));
        members.get(i).start();
      }
      for (GroupMember member : members) {
        eventually("sees all three", () -> member.getCurrentMembers().size() == 3);
      }
      members.get(1).setThisData(bytes("changed"));
      eventually("sees the change",
          () -> "changed".equals(text(members.get(0).getCurrentMembers().get("m1"))));
      clients.get(2).close();
      eventually("sees that one has gone",
          () -> members.get(0).getCurrentMembers().keySet().equals(Set.of("m0", "m1")));
      members.get(0).close();
      members.get(1).close();
    }
  }
}
