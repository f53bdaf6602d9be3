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
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** Curator's framework, counters, caches, persistent nodes, groups, queues, service discovery. */
final class CuratorData {
  private final String server;

  CuratorData(String server, Suite suite) {
    this.server = server;
    suite.add("framework: creates of every style, guaranteed deletes", this::framework);
    suite.add("framework: transactions and background calls", this::transactions);
    suite.add("SharedCount: versioned changes, listeners, one winner", this::sharedCount);
    suite.add("DistributedAtomicLong and Integer: every change counts", this::atomics);
    suite.add("PersistentNode comes back whatever deletes it", this::persistentNode);
    suite.add("PersistentTtlNode is touched while it is open, and goes afterwards", this::ttlNode);
    suite.add("GroupMember: the group as each member sees it", this::group);
    suite.add("CuratorCache equals the tree after changes and a reconnection", this::cache);
    suite.add("TreeCache, PathChildrenCache and NodeCache converge", this::olderCaches);
    suite.add("PersistentWatcher sees every change of a subtree", this::persistentWatcher);
    suite.add("DistributedQueue: every item is consumed exactly once", this::queue);
    suite.add("Priority, delay and simple queues keep their orders", this::otherQueues);
    suite.add("ServiceDiscovery: register, find, cache, unregister", this::discovery);
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

  private static Map<String, String> read(CuratorFramework client, String path) throws Exception {
    Map<String, String> tree = new TreeMap<>();
    tree.put(path, text(client.getData().forPath(path)));
    for (String child : client.getChildren().forPath(path)) {
      tree.putAll(read(client, path + "/" + child));
    }
    return tree;
  }

  private static void change(CuratorFramework client, String root, int rounds) throws Exception {
    for (int i = 0; i < rounds; i++) {
      String path = root + "/d" + i % 7 + "/n" + i % 3;
      client.create().orSetData().creatingParentsIfNeeded().forPath(path, bytes("v" + i));
      if (i % 11 == 0) {
        client.delete().deletingChildrenIfNeeded().forPath(root + "/d" + i % 7);
      }
    }
  }

  private void cache(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework mine = Curator.open(Suite.PROXY, 15_000);
      CuratorFramework other = clients.get(0);
      other.create().forPath(root, bytes("top"));
      CuratorCache cache = CuratorCache.build(mine, root);
      cache.start();
      change(other, root, 60);
      eventually("equals the tree", () -> contents(cache).equals(read(other, root)));
      proxy("refuse");
      change(other, root, 100);
      other.create().orSetData().forPath(root + "/last", bytes("while away"));
      proxy("accept");
      eventually("equals the tree after a reconnection", 40_000,
          () -> contents(cache).equals(read(other, root)));
      cache.close();
      mine.close();
    }
  }

  private static Map<String, String> contents(CuratorCache cache) {
    Map<String, String> tree = new TreeMap<>();
    cache.stream().forEach(data -> tree.put(data.getPath(), text(data.getData())));
    return tree;
  }

  @SuppressWarnings("deprecation")
  private void olderCaches(String root) throws Exception {
    try (Curator clients = new Curator(server, 2)) {
      CuratorFramework other = clients.get(1);
      other.create().forPath(root, bytes("top"));
      TreeCache tree = TreeCache.newBuilder(clients.get(0), root).build();
      PathChildrenCache children = new PathChildrenCache(clients.get(0), root, true);
      NodeCache node = new NodeCache(clients.get(0), root + "/one");
      tree.start();
      children.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
      node.start(true);
      change(other, root, 60);
      other.create().forPath(root + "/one", bytes("1"));
      other.setData().forPath(root + "/one", bytes("2"));
      eventually("NodeCache",
          () -> node.getCurrentData() != null && text(node.getCurrentData().getData()).equals("2"));
      Map<String, String> expected = read(other, root);
      eventually("TreeCache", () -> {
        for (Map.Entry<String, String> entry : expected.entrySet()) {
          ChildData data = tree.getCurrentData(entry.getKey());
          if (data == null || !text(data.getData()).equals(entry.getValue())) return false;
        }
        return tree.getCurrentChildren(root).size() == other.getChildren().forPath(root).size();
      });
      eventually("PathChildrenCache", () -> {
        Set<String> paths = new TreeSet<>();
        for (ChildData data : children.getCurrentData()) paths.add(data.getPath());
        Set<String> direct = new TreeSet<>();
        for (String name : other.getChildren().forPath(root)) direct.add(root + "/" + name);
        return paths.equals(direct);
      });
      other.delete().forPath(root + "/one");
      eventually("NodeCache after deletion", () -> node.getCurrentData() == null);
      tree.close();
      children.close();
      node.close();
    }
  }

  private void persistentWatcher(String root) throws Exception {
    try (Curator clients = new Curator(server, 2)) {
      ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
      AtomicInteger resets = new AtomicInteger();
      PersistentWatcher watcher = new PersistentWatcher(clients.get(0), root, true);
      watcher.getListenable().addListener(event -> seen.add(event.getType() + event.getPath()));
      watcher.getResetListenable().addListener(resets::incrementAndGet);
      watcher.start();
      eventually("set", () -> resets.get() == 1);
      CuratorFramework other = clients.get(1);
      other.create().creatingParentsIfNeeded().forPath(root + "/a/b", bytes(""));
      other.setData().forPath(root + "/a/b", bytes("x"));
      other.delete().forPath(root + "/a/b");
      List<String> expected = List.of("NodeCreated" + root, "NodeCreated" + root + "/a",
          "NodeCreated" + root + "/a/b", "NodeDataChanged" + root + "/a/b",
          "NodeDeleted" + root + "/a/b");
      eventually("five events", () -> seen.size() >= 5);
      equal(new ArrayList<>(seen), expected, "events");
      watcher.close();
    }
  }

  private static final QueueSerializer<String> STRINGS = new QueueSerializer<>() {
    @Override
    public byte[] serialize(String item) {
      return bytes(item);
    }

    @Override
    public String deserialize(byte[] data) {
      return text(data);
    }
  };

  private static QueueConsumer<String> into(List<String> items) {
    return new QueueConsumer<>() {
      @Override
      public void consumeMessage(String item) {
        items.add(item);
      }

      @Override
      public void stateChanged(CuratorFramework client, ConnectionState state) {}
    };
  }

  private void queue(String root) throws Exception {
    try (Curator clients = new Curator(server, 3)) {
      List<String> taken = Collections.synchronizedList(new ArrayList<>());
      List<DistributedQueue<String>> queues = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        DistributedQueue<String> queue =
            QueueBuilder.builder(clients.get(i), i == 0 ? null : into(taken), STRINGS, root + "/q")
                .lockPath(root + "/locks").buildQueue();
        queue.start();
        queues.add(queue);
      }
      Set<String> expected = new TreeSet<>();
      for (int i = 0; i < 60; i++) {
        queues.get(0).put("item " + i);
        expected.add("item " + i);
      }
      eventually("all are taken", 40_000, () -> taken.size() >= 60);
      equal(new TreeSet<>(taken), expected, "items");
      equal(taken.size(), 60, "number of items taken");
      for (DistributedQueue<String> queue : queues) queue.close();
    }
  }

  private void otherQueues(String root) throws Exception {
    try (Curator clients = new Curator(server, 1)) {
      CuratorFramework client = clients.get(0);
      SimpleDistributedQueue simple = new SimpleDistributedQueue(client, root + "/simple");
      for (int i = 0; i < 5; i++) simple.offer(bytes("" + i));
      for (int i = 0; i < 5; i++) equal(text(simple.take()), "" + i, "first in, first out");
      equal(simple.poll(), null, "an empty queue");
      List<String> late = Collections.synchronizedList(new ArrayList<>());
      DistributedDelayQueue<String> delay =
          QueueBuilder.builder(client, into(late), STRINGS, root + "/delay").buildDelayQueue();
      delay.start();
      delay.put("second", System.currentTimeMillis() + 1200);
      delay.put("first", System.currentTimeMillis() + 400);
      isTrue(late.isEmpty(), "nothing before its time");
      eventually("both in order", () -> late.equals(List.of("first", "second")));
      delay.close();
      List<String> urgent = Collections.synchronizedList(new ArrayList<>());
      DistributedPriorityQueue<String> producer =
          QueueBuilder.builder(client, null, STRINGS, root + "/prio").buildPriorityQueue(1);
      producer.start();
      producer.put("low", 300);
      producer.put("high", 1);
      producer.put("middle", 20);
      DistributedPriorityQueue<String> consumer =
          QueueBuilder.builder(client, into(urgent), STRINGS, root + "/prio").buildPriorityQueue(1);
      consumer.start();
      eventually("by priority", () -> urgent.equals(List.of("high", "middle", "low")));
      consumer.close();
      producer.close();
    }
  }

  private void discovery(String root) throws Exception {
    try (Curator clients = new Curator(server, 3)) {
      List<ServiceDiscovery<Void>> all = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        ServiceInstance<Void> instance = ServiceInstance.<Void>builder()
            .name("web").address("10.0.0." + i).port(8000 + i).id("i" + i).build();
        ServiceDiscovery<Void> own = ServiceDiscoveryBuilder.builder(Void.class)
            .client(clients.get(i)).basePath(root).thisInstance(instance).build();
        own.start();
        all.add(own);
      }
      equal(all.get(0).queryForInstances("web").size(), 3, "instances");
      equal(all.get(0).queryForInstance("web", "i2").getPort(), 8002, "port");
      ServiceCache<Void> cache = all.get(0).serviceCacheBuilder().name("web").build();
      cache.start();
      ServiceProvider<Void> provider =
          all.get(1).serviceProviderBuilder().serviceName("web").build();
      provider.start();
      Set<Integer> ports = new TreeSet<>();
      for (int i = 0; i < 6; i++) ports.add(provider.getInstance().getPort());
      equal(ports, Set.of(8000, 8001, 8002), "ports by turns");
      clients.get(2).close();
      eventually("the cache sees one go", () -> cache.getInstances().size() == 2);
      equal(all.get(1).queryForInstances("web").size(), 2, "instances");
      provider.close();
      cache.close();
      all.get(1).close();
      all.get(0).close();
    }
  }
}
