package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.isTrue;
import static interop.Suite.raises;
import static interop.Suite.text;
import static org.apache.zookeeper.CreateMode.CONTAINER;
import static org.apache.zookeeper.CreateMode.EPHEMERAL;
import static org.apache.zookeeper.CreateMode.EPHEMERAL_SEQUENTIAL;
import static org.apache.zookeeper.CreateMode.PERSISTENT;
import static org.apache.zookeeper.CreateMode.PERSISTENT_SEQUENTIAL;
import static org.apache.zookeeper.CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL;
import static org.apache.zookeeper.CreateMode.PERSISTENT_WITH_TTL;
import static org.apache.zookeeper.ZooDefs.Ids.CREATOR_ALL_ACL;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Reads and writes of the plain API, synchronous and asynchronous. */
final class PlainOperations {
  private final String server;

  PlainOperations(String server, Suite suite) {
    this.server = server;
    suite.add("every create mode, with path and Stat", this::createModes);
    suite.add("setData, getData, delete and versions", this::versions);
    suite.add("null data stays null, empty data stays empty", this::nullData);
    suite.add("asynchronous calls complete in order, with their results", this::asynchronous);
    suite.add("multi: every kind of operation, all or nothing", this::multi);
    suite.add("multi: asynchronous, empty, and of two hundred creates", this::multiShapes);
    suite.add("multi of reads: each result on its own", this::multiRead);
    suite.add("getEphemerals and getAllChildrenNumber", this::listings);
    suite.add("whoAmI names the connection's identities", this::whoAmI);
    suite.add("ACLs: digest, redaction, versions, ip, super", this::accessControl);
    suite.add("a container goes when its last child has gone", this::container);
    suite.add("a TTL node goes when its time is over, not before", this::timeToLive);
    suite.add("bad arguments that reach the server are refused by their code", this::refusals);
    suite.add("deleteRecursive, visitSubTreeDFS and sync", this::utilities);
    suite.add("a quota's usage is kept by the server", this::quota);
  }

  private void createModes(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      Stat stat = new Stat();
      equal(zk.create(root, bytes("r"), OPEN_ACL_UNSAFE, PERSISTENT, stat), root, "path");
      equal(List.of(stat.getVersion(), stat.getCversion(), stat.getDataLength()),
          List.of(0, 0, 1), "version, cversion, dataLength");
      isTrue(Math.abs(System.currentTimeMillis() - stat.getCtime()) < 60_000, "ctime is now");
      zk.create(root + "/e", null, OPEN_ACL_UNSAFE, EPHEMERAL, stat);
      equal(stat.getEphemeralOwner(), zk.getSessionId(), "owner");
      equal(zk.create(root + "/s", null, OPEN_ACL_UNSAFE, PERSISTENT_SEQUENTIAL),
          root + "/s0000000001", "sequential");
      equal(zk.create(root + "/es", null, OPEN_ACL_UNSAFE, EPHEMERAL_SEQUENTIAL, stat),
          root + "/es0000000002", "ephemeral sequential");
      zk.create(root + "/c", null, OPEN_ACL_UNSAFE, CONTAINER, stat);
      equal(stat.getEphemeralOwner(), 0L, "a container's owner");
      zk.create(root + "/t", null, OPEN_ACL_UNSAFE, PERSISTENT_WITH_TTL, stat, 100_000);
      equal(stat.getEphemeralOwner(), 0L, "a TTL node's owner");
      equal(zk.create(root + "/ts", null, OPEN_ACL_UNSAFE, PERSISTENT_SEQUENTIAL_WITH_TTL,
          stat, 100_000), root + "/ts0000000005", "TTL sequential");
      equal(zk.exists(root, false).getCversion(), 6, "the parent's cversion");
      zk.deleteTree(root);
    }
  }

  private void versions(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, bytes("0"), OPEN_ACL_UNSAFE, PERSISTENT);
      Stat first = zk.setData(root, bytes("one"), 0);
      Stat second = zk.setData(root, bytes("two"), -1);
      equal(List.of(first.getVersion(), second.getVersion()), List.of(1, 2), "versions");
      isTrue(second.getMzxid() > first.getMzxid() && first.getMzxid() > first.getCzxid(), "zxids");
      Stat read = new Stat();
      equal(text(zk.getData(root, false, read)), "two", "data");
      equal(read, second, "the Stat of getData");
      raises(KeeperException.BadVersionException.class, () -> zk.setData(root, bytes("x"), 1));
      raises(KeeperException.BadVersionException.class, () -> {
        zk.delete(root, 1);
        return null;
      });
      zk.create(root + "/k", null, OPEN_ACL_UNSAFE, PERSISTENT);
      raises(KeeperException.NotEmptyException.class, () -> {
        zk.delete(root, 2);
        return null;
      });
      zk.delete(root + "/k", 0);
      zk.delete(root, 2);
      equal(zk.exists(root, false), null, "the deleted node");
    }
  }

  private void nullData(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      equal(zk.getData(root, false, null), null, "null data");
      zk.setData(root, new byte[0], -1);
      equal(zk.getData(root, false, null).length, 0, "empty data");
      zk.setData(root, null, -1);
      equal(zk.getData(root, false, null), null, "null data again");
      equal(zk.exists(root, false).getDataLength(), 0, "dataLength of null");
      zk.delete(root, -1);
    }
  }

  private void asynchronous(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      int count = 1000;
      List<String> order = new ArrayList<>();
      AtomicInteger errors = new AtomicInteger();
      CountDownLatch done = new CountDownLatch(1);
      for (int i = 0; i < count; i++) {
        zk.create(root + "/n" + i, bytes("" + i), OPEN_ACL_UNSAFE, PERSISTENT,
            (code, path, context, name) -> {
              if (code != 0) errors.incrementAndGet();
              order.add("c" + context);
            }, i);
        zk.setData(root + "/n" + i, bytes("x" + i), 0, (code, path, context, stat) -> {
          if (code != 0 || stat.getVersion() != 1) errors.incrementAndGet();
          order.add("s" + context);
        }, i);
        zk.getData(root + "/n" + i, false, (code, path, context, data, stat) -> {
          if (code != 0 || !text(data).equals("x" + context)) errors.incrementAndGet();
          order.add("g" + context);
        }, i);
      }
      zk.sync(root, (code, path, context) -> done.countDown(), null);
      isTrue(done.await(60, TimeUnit.SECONDS), "all answered");
      equal(errors.get(), 0, "number of wrong answers");
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < count; i++) expected.addAll(List.of("c" + i, "s" + i, "g" + i));
      equal(order, expected, "the order of the answers");
      equal(zk.getChildren(root, false).size(), count, "number of children");
      zk.deleteTree(root);
    }
  }

  private void multi(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      List<OpResult> results = zk.multi(List.of(
          Op.create(root, bytes("a"), OPEN_ACL_UNSAFE, PERSISTENT),
          Op.create(root + "/s-", null, OPEN_ACL_UNSAFE, EPHEMERAL_SEQUENTIAL),
          Op.create(root + "/s-", null, OPEN_ACL_UNSAFE, PERSISTENT_SEQUENTIAL),
          Op.create(root + "/box", null, OPEN_ACL_UNSAFE, CONTAINER),
          Op.create(root + "/ttl", null, OPEN_ACL_UNSAFE, PERSISTENT_WITH_TTL, 60_000),
          Op.setData(root, bytes("b"), 0),
          Op.check(root, 1),
          Op.delete(root + "/s-0000000001", -1)));
      equal(((OpResult.CreateResult) results.get(1)).getPath(), root + "/s-0000000000", "first");
      equal(((OpResult.CreateResult) results.get(2)).getPath(), root + "/s-0000000001", "second");
      equal(((OpResult.SetDataResult) results.get(5)).getStat().getVersion(), 1, "version");
      Set<String> children = new TreeSet<>(zk.getChildren(root, false));
      equal(children, Set.of("box", "s-0000000000", "ttl"), "children");
      Stat before = zk.exists(root, false);
      KeeperException failure = raises(KeeperException.NodeExistsException.class,
          () -> zk.multi(List.of(
              Op.setData(root, bytes("c"), -1),
              Op.create(root + "/new", null, OPEN_ACL_UNSAFE, PERSISTENT),
              Op.create(root + "/box", null, OPEN_ACL_UNSAFE, PERSISTENT),
              Op.delete(root + "/ttl", -1))));
      List<Integer> codes = failure.getResults().stream()
          .map(result -> ((OpResult.ErrorResult) result).getErr())
          .collect(Collectors.toList());
      equal(codes, List.of(0, 0, -110, -2), "codes of the failed multi");
      equal(zk.exists(root, false), before, "the Stat after a failed multi");
      zk.deleteTree(root);
    }
  }

  private void multiShapes(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      equal(zk.multi(List.of()).size(), 0, "results of an empty multi");
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      List<Op> creates = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        creates.add(Op.create(root + "/" + i, bytes("" + i), OPEN_ACL_UNSAFE, PERSISTENT));
      }
      CountDownLatch done = new CountDownLatch(1);
      AtomicInteger seen = new AtomicInteger(-1);
      zk.multi(creates, (code, path, context, results) -> {
        seen.set(code == 0 ? results.size() : code);
        done.countDown();
      }, null);
      isTrue(done.await(20, TimeUnit.SECONDS), "answered");
      equal(seen.get(), 200, "results");
      Set<Long> zxids = new TreeSet<>();
      for (int i = 0; i < 200; i++) zxids.add(zk.exists(root + "/" + i, false).getCzxid());
      equal(zxids.size(), 1, "number of zxids of one multi");
      equal(zk.transaction().delete(root + "/0", 0).check(root, 0).commit().size(), 2, "results");
      zk.deleteTree(root);
    }
  }

  private void multiRead(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, bytes("d"), OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/k", null, OPEN_ACL_UNSAFE, PERSISTENT);
      List<OpResult> results = zk.multi(List.of(
          Op.getData(root), Op.getChildren(root), Op.getData(root + "/none")));
      equal(text(((OpResult.GetDataResult) results.get(0)).getData()), "d", "data");
      equal(((OpResult.GetChildrenResult) results.get(1)).getChildren(), List.of("k"), "children");
      equal(((OpResult.ErrorResult) results.get(2)).getErr(), -101, "code");
      zk.deleteTree(root);
    }
  }

  private void listings(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/a", null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/a/mine", null, OPEN_ACL_UNSAFE, EPHEMERAL);
      zk.create(root + "/b-mine", null, OPEN_ACL_UNSAFE, EPHEMERAL);
      other.create(root + "/theirs", null, OPEN_ACL_UNSAFE, EPHEMERAL);
      equal(new TreeSet<>(zk.getEphemerals()), Set.of(root + "/a/mine", root + "/b-mine"), "all");
      equal(zk.getEphemerals(root + "/a"), List.of(root + "/a/mine"), "by prefix");
      equal(zk.getAllChildrenNumber(root), 4, "number of descendants");
      raises(KeeperException.NoNodeException.class, () -> zk.getAllChildrenNumber(root + "/no"));
      other.close();
      equal(zk.getAllChildrenNumber(root), 3, "number of descendants");
      zk.deleteTree(root);
    }
  }

  private void whoAmI(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.addAuthInfo("digest", bytes("ann:secret"));
      Set<String> identities = new TreeSet<>();
      for (ClientInfo info : zk.whoAmI()) {
        identities.add(info.getAuthScheme() + ":" + info.getUser());
      }
      equal(identities, Set.of("digest:ann", "ip:127.0.0.1"), "identities");
    }
  }

  private void accessControl(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.addAuthInfo("digest", bytes("ann:secret"));
      zk.create(root, bytes("d"), CREATOR_ALL_ACL, PERSISTENT);
      raises(KeeperException.NoAuthException.class, () -> other.getData(root, false, null));
      // Debian's 3.8 does not ask for READ here; level 3.9 does.
      if (!Suite.PEER.equals("zookeeper")) {
        raises(KeeperException.NoAuthException.class, () -> other.exists(root, false));
      }
      Stat stat = new Stat();
      List<ACL> acl = new ArrayList<>(zk.getACL(root, stat));
      equal(acl.get(0).getId().getScheme(), "digest", "scheme");
      acl.add(new ACL(Perms.READ, new Id("ip", "127.0.0.1")));
      equal(zk.setACL(root, acl, stat.getAversion()).getAversion(), 1, "aversion");
      raises(KeeperException.BadVersionException.class, () -> zk.setACL(root, acl, 0));
      equal(text(other.getData(root, false, null)), "d", "data by the ip rule");
      equal(other.getACL(root, null).get(0).getId().getId(), "ann:x", "a reader's view");
      raises(KeeperException.NoAuthException.class, () -> other.setData(root, null, -1));
      raises(KeeperException.InvalidACLException.class,
          () -> zk.create(root + "/x", null, List.of(), PERSISTENT));
      other.addAuthInfo("digest", bytes("super:admin"));
      other.setData(root, bytes("by super"), -1);
      other.delete(root, -1);
    }
  }

  private void container(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/used", null, OPEN_ACL_UNSAFE, CONTAINER);
      zk.create(root + "/fresh", null, OPEN_ACL_UNSAFE, CONTAINER);
      zk.create(root + "/used/a", null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/used/b", null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.delete(root + "/used/a", -1);
      zk.addWatch(root + "/used", org.apache.zookeeper.AddWatchMode.PERSISTENT);
      zk.delete(root + "/used/b", -1);
      equal(zk.events.next(), "NodeChildrenChanged " + root + "/used", "event");
      eventually("the used container is removed", Suite.REAP_MS,
          () -> zk.exists(root + "/used", false) == null);
      equal(zk.events.next(), "NodeDeleted " + root + "/used", "event");
      isTrue(zk.exists(root + "/fresh", false) != null, "one that never had a child stays");
      zk.deleteTree(root);
    }
  }

  private void timeToLive(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      Stat stat = new Stat();
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/short", null, OPEN_ACL_UNSAFE, PERSISTENT_WITH_TTL, stat, 1500);
      zk.create(root + "/parent", null, OPEN_ACL_UNSAFE, PERSISTENT_WITH_TTL, stat, 1);
      zk.create(root + "/parent/child", null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/long", null, OPEN_ACL_UNSAFE, PERSISTENT_WITH_TTL, stat, 3_600_000);
      zk.addWatch(root + "/short", org.apache.zookeeper.AddWatchMode.PERSISTENT);
      long createdNanos = System.nanoTime();
      eventually("the short-lived one is removed", Suite.REAP_MS,
          () -> zk.exists(root + "/short", false) == null);
      long livedMs = (System.nanoTime() - createdNanos) / 1_000_000;
      isTrue(livedMs > 1300, "it lived for its TTL, but it was " + livedMs + " ms");
      isTrue(zk.exists(root + "/parent", false) != null, "one with children stays");
      isTrue(zk.exists(root + "/long", false) != null, "the long-lived one stays");
      raises(KeeperException.NoNodeException.class, () -> zk.setData(root + "/short", null, -1));
      equal(zk.events.next(), "NodeDeleted " + root + "/short", "event");
      zk.deleteTree(root);
    }
  }

  private void refusals(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      raises(KeeperException.BadArgumentsException.class, () -> {
        zk.delete("/zookeeper", -1);
        return null;
      });
      raises(KeeperException.NodeExistsException.class,
          () -> zk.create("/zookeeper", null, OPEN_ACL_UNSAFE, PERSISTENT));
      raises(KeeperException.NoAuthException.class,
          () -> zk.setData("/zookeeper/config", bytes("x"), -1));
      zk.create(root, null, OPEN_ACL_UNSAFE, EPHEMERAL);
      raises(KeeperException.NoChildrenForEphemeralsException.class,
          () -> zk.create(root + "/x", null, OPEN_ACL_UNSAFE, PERSISTENT));
      raises(KeeperException.NoNodeException.class,
          () -> zk.create(root + "-no/x", null, OPEN_ACL_UNSAFE, PERSISTENT));
    }
  }

  private void utilities(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      for (String name : List.of("/a", "/a/b", "/a/b/c", "/d")) {
        zk.create(root + name, null, OPEN_ACL_UNSAFE, PERSISTENT);
      }
      List<String> visited = new ArrayList<>();
      ZKUtil.visitSubTreeDFS(zk, root, false, (code, path, context, name) -> visited.add(path));
      equal(new TreeSet<>(visited), new TreeSet<>(List.of(
          root, root + "/a", root + "/a/b", root + "/a/b/c", root + "/d")), "visited");
      isTrue(ZKUtil.deleteRecursive(zk, root, 10), "everything is deleted");
      equal(zk.exists(root, false), null, "the root");
    }
  }

  private void quota(String root) throws Exception {
    try (Plain zk = Plain.open(server)) {
      zk.create(root, bytes("12345"), OPEN_ACL_UNSAFE, PERSISTENT);
      String quota = "/zookeeper/quota" + root;
      zk.create(quota, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(quota + "/zookeeper_limits", bytes("count=3,bytes=-1"), OPEN_ACL_UNSAFE,
          PERSISTENT);
      zk.create(quota + "/zookeeper_stats", bytes("count=0,bytes=0"), OPEN_ACL_UNSAFE,
          PERSISTENT);
      zk.create(root + "/a", bytes("123"), OPEN_ACL_UNSAFE, PERSISTENT);
      zk.setData(root + "/a", bytes("1234567"), -1);
      String usage = text(zk.getData(quota + "/zookeeper_stats", false, null));
      equal(usage.split("=;")[0], "count=2,bytes=12", "usage");
      zk.deleteTree(quota);
      zk.deleteTree(root);
    }
  }
}
