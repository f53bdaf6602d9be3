package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.isTrue;
import static interop.Suite.proxy;
import static interop.Suite.raises;
import static org.apache.zookeeper.CreateMode.EPHEMERAL;
import static org.apache.zookeeper.CreateMode.PERSISTENT;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper.States;

/** Watches of every kind, and sessions that are cut, moved, refused and closed. */
final class PlainWatches {
  private final String server;

  PlainWatches(String server, Suite suite) {
    this.server = server;
    suite.add("one-shot watches: data, exists, children", this::oneShot);
    suite.add("a persistent watch fires again and again, for node and children", this::persistent);
    suite.add("a recursive watch tells of the whole subtree, in order", this::recursive);
    suite.add("kinds of watch on one node: one event per change", this::mixed);
    suite.add("removeWatches by kind, one watcher or all, and for none there", this::removal);
    suite.add("events of a multi come per operation, in order", this::multiEvents);
    suite.add("an event comes before the reply that shows the change", this::eventBeforeReply);
    suite.add("after a reconnection watches are set again, missed changes told", this::resetting);
    suite.add("persistent watches survive a reconnection", this::persistentReconnection);
    suite.add("session: kept over cut connections, writes pipelined meanwhile", this::cuts);
    suite.add("session: moved to another connection, the old one is dropped", this::moved);
    suite.add("session: expired after silence, ephemerals and watches told", this::expiry);
    suite.add("session: close deletes ephemerals before it returns", this::close);
    if (Suite.CAN_RESTART) {
      suite.add("a killed and restarted server loses nothing, sessions go on", this::restart);
    }
    suite.add("a chroot prefix is added and taken away, in watches too", this::chroot);
  }

  private void oneShot(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      equal(zk.exists(root, true), null, "before");
      other.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      equal(zk.events.next(), "NodeCreated " + root, "event");
      zk.getData(root, true, null);
      zk.getChildren(root, true);
      other.setData(root, bytes("1"), -1);
      other.setData(root, bytes("2"), -1);
      other.create(root + "/k", null, OPEN_ACL_UNSAFE, PERSISTENT);
      other.delete(root + "/k", -1);
      equal(zk.events.next(), "NodeDataChanged " + root, "event");
      equal(zk.events.next(), "NodeChildrenChanged " + root, "event");
      zk.getData(root, true, null);
      zk.getChildren(root, true);
      other.delete(root, -1);
      equal(zk.events.next(), "NodeDeleted " + root, "event");
      zk.exists(root, false);
      equal(zk.events.watches.size(), 0, "number of further events");
    }
  }

  private void persistent(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.addWatch(root, AddWatchMode.PERSISTENT);
      for (int i = 0; i < 3; i++) {
        other.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
        other.setData(root, bytes("x"), -1);
        other.create(root + "/k", null, OPEN_ACL_UNSAFE, PERSISTENT);
        other.setData(root + "/k", bytes("not told"), -1);
        other.delete(root + "/k", -1);
        other.delete(root, -1);
        for (String kind : List.of("NodeCreated ", "NodeDataChanged ", "NodeChildrenChanged ",
            "NodeChildrenChanged ", "NodeDeleted ")) {
          equal(zk.events.next(), kind + root, "event");
        }
      }
      zk.exists(root, false);
      equal(zk.events.watches.size(), 0, "number of further events");
    }
  }

  private void recursive(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.addWatch(root, AddWatchMode.PERSISTENT_RECURSIVE);
      other.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      List<String> expected = new ArrayList<>(List.of("NodeCreated " + root));
      String path = root;
      for (int i = 0; i < 5; i++) {
        path += "/d" + i;
        other.create(path, null, OPEN_ACL_UNSAFE, PERSISTENT);
        other.setData(path, bytes("x"), -1);
        expected.add("NodeCreated " + path);
        expected.add("NodeDataChanged " + path);
      }
      for (int i = 0; i < 5; i++) {
        other.delete(path, -1);
        expected.add("NodeDeleted " + path);
        path = path.substring(0, path.lastIndexOf('/'));
      }
      for (String event : expected) equal(zk.events.next(), event, "event");
      other.delete(root, -1);
      equal(zk.events.next(), "NodeDeleted " + root, "event");
    }
  }

  private void mixed(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.addWatch(root, AddWatchMode.PERSISTENT);
      zk.addWatch("/", AddWatchMode.PERSISTENT_RECURSIVE);
      zk.removeWatches("/", zk.events, Watcher.WatcherType.Any, false);
      equal(zk.events.next(), "PersistentWatchRemoved /", "event");
      LinkedBlockingQueue<WatchedEvent> seen = new LinkedBlockingQueue<>();
      zk.getData(root, seen::add, null);
      other.setData(root, bytes("x"), -1);
      equal(zk.events.next(), "NodeDataChanged " + root, "event");
      eventually("the one-shot watcher too", () -> seen.size() == 1);
      other.delete(root, -1);
      equal(zk.events.next(), "NodeDeleted " + root, "event");
      zk.exists(root, false);
      equal(zk.events.watches.size() + seen.size(), 1, "events in all");
    }
  }

  private void removal(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      LinkedBlockingQueue<WatchedEvent> one = new LinkedBlockingQueue<>();
      LinkedBlockingQueue<WatchedEvent> two = new LinkedBlockingQueue<>();
      Watcher first = one::add;
      Watcher second = two::add;
      raises(KeeperException.NoWatcherException.class, () -> {
        zk.removeWatches(root, first, Watcher.WatcherType.Data, false);
        return null;
      });
      zk.getData(root, first, null);
      zk.getData(root, second, null);
      zk.getChildren(root, first);
      zk.removeWatches(root, first, Watcher.WatcherType.Data, false);
      eventually("told of the removal", () -> one.size() == 1);
      equal(one.take().getType(), Watcher.Event.EventType.DataWatchRemoved, "event");
      other.setData(root, bytes("x"), -1);
      eventually("the other watcher is still there", () -> two.size() == 1);
      zk.removeAllWatches(root, Watcher.WatcherType.Any, false);
      other.create(root + "/k", null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.exists(root, false);
      equal(one.take().getType(), Watcher.Event.EventType.ChildWatchRemoved, "event");
      equal(one.size(), 0, "events after removal");
      zk.addWatch(root, first, AddWatchMode.PERSISTENT_RECURSIVE);
      zk.removeWatches(root, first, Watcher.WatcherType.Any, false);
      other.setData(root, bytes("y"), -1);
      zk.exists(root, false);
      equal(one.take().getType(), Watcher.Event.EventType.PersistentWatchRemoved, "event");
      equal(one.size(), 0, "events after removal");
      zk.deleteTree(root);
    }
  }

  private void multiEvents(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.addWatch(root, AddWatchMode.PERSISTENT_RECURSIVE);
      other.multi(List.of(
          Op.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT),
          Op.create(root + "/a", null, OPEN_ACL_UNSAFE, PERSISTENT),
          Op.setData(root, bytes("x"), -1),
          Op.delete(root + "/a", -1),
          Op.delete(root, -1)));
      for (String event : List.of("NodeCreated " + root, "NodeCreated " + root + "/a",
          "NodeDataChanged " + root, "NodeDeleted " + root + "/a", "NodeDeleted " + root)) {
        equal(zk.events.next(), event, "event");
      }
    }
  }

  private void eventBeforeReply(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.create(root, bytes("0"), OPEN_ACL_UNSAFE, PERSISTENT);
      for (int i = 1; i <= 50; i++) {
        List<String> order = new ArrayList<>();
        LinkedBlockingQueue<Integer> ends = new LinkedBlockingQueue<>();
        zk.getData(root, event -> order.add("event"), null);
        int version = i;
        Thread writer = new Thread(() -> {
          try {
            other.setData(root, bytes("" + version), -1);
          } catch (Exception error) {
            order.add(error.toString());
          }
        });
        writer.start();
        pollUntilSeen(zk, root, version, order, ends);
        ends.take();
        writer.join();
        equal(order.subList(0, 2), List.of("event", "data"), "order of what came");
      }
      zk.delete(root, -1);
    }
  }

  /** Reads again from the callback's thread, so that event and replies keep one order. */
  private static void pollUntilSeen(Plain zk, String root, int version, List<String> order,
      LinkedBlockingQueue<Integer> ends) {
    zk.getData(root, false, (code, path, context, data, stat) -> {
      if (code != 0 || stat.getVersion() >= version) {
        order.add(code == 0 ? "data" : "code " + code);
        ends.add(code);
      } else {
        pollUntilSeen(zk, root, version, order, ends);
      }
    }, null);
  }

  private void resetting(String root) throws Exception {
    try (Plain zk = Plain.open(Suite.PROXY); Plain other = Plain.open(server)) {
      for (String name : List.of("", "/data", "/same", "/kids", "/gone")) {
        zk.create(root + name, null, OPEN_ACL_UNSAFE, PERSISTENT);
      }
      zk.getData(root + "/data", true, null);
      zk.getData(root + "/same", true, null);
      zk.getChildren(root + "/kids", true);
      zk.getData(root + "/gone", true, null);
      zk.exists(root + "/born", true);
      zk.exists(root + "/never", true);
      proxy("refuse");
      eventually("disconnected", () -> zk.events.states.contains(KeeperState.Disconnected));
      other.setData(root + "/data", bytes("x"), -1);
      other.create(root + "/kids/k", null, OPEN_ACL_UNSAFE, PERSISTENT);
      other.delete(root + "/gone", -1);
      other.create(root + "/born", null, OPEN_ACL_UNSAFE, PERSISTENT);
      proxy("accept");
      Set<String> missed = new TreeSet<>();
      for (int i = 0; i < 4; i++) missed.add(zk.events.next());
      equal(missed, new TreeSet<>(List.of("NodeDataChanged " + root + "/data",
          "NodeChildrenChanged " + root + "/kids", "NodeDeleted " + root + "/gone",
          "NodeCreated " + root + "/born")), "events missed and told");
      other.setData(root + "/same", bytes("x"), -1);
      equal(zk.events.next(), "NodeDataChanged " + root + "/same", "a watch set again");
      other.create(root + "/never", null, OPEN_ACL_UNSAFE, PERSISTENT);
      equal(zk.events.next(), "NodeCreated " + root + "/never", "a watch set again");
      other.deleteTree(root);
    }
  }

  private void persistentReconnection(String root) throws Exception {
    try (Plain zk = Plain.open(Suite.PROXY); Plain other = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/sub", null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.addWatch(root, AddWatchMode.PERSISTENT);
      zk.addWatch(root + "/sub", AddWatchMode.PERSISTENT_RECURSIVE);
      zk.events.states.clear();
      proxy("cut");
      eventually("back", () -> zk.events.states.contains(KeeperState.SyncConnected));
      zk.exists(root, false);
      other.setData(root, bytes("x"), -1);
      equal(zk.events.next(), "NodeDataChanged " + root, "event");
      other.create(root + "/sub/deep", null, OPEN_ACL_UNSAFE, PERSISTENT);
      equal(zk.events.next(), "NodeCreated " + root + "/sub/deep", "event");
      other.deleteTree(root);
    }
  }

  private void cuts(String root) throws Exception {
    try (Plain zk = Plain.open(Suite.PROXY); Plain other = Plain.open(server)) {
      zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/e", null, OPEN_ACL_UNSAFE, EPHEMERAL);
      long session = zk.getSessionId();
      int acknowledged = 0;
      for (int round = 0; round < 5; round++) {
        LinkedBlockingQueue<Integer> codes = new LinkedBlockingQueue<>();
        for (int i = 0; i < 100; i++) {
          zk.create(root + "/r" + round + "-" + i, null, OPEN_ACL_UNSAFE, PERSISTENT,
              (code, path, context, name) -> codes.add(code), null);
        }
        proxy("cut");
        eventually("all answered", () -> codes.size() == 100);
        for (int code : codes) {
          isTrue(code == 0 || code == -4, "done or connection lost, not " + code);
          acknowledged += code == 0 ? 1 : 0;
        }
        eventually("connected", () -> zk.getState() == States.CONNECTED);
      }
      equal(zk.getSessionId(), session, "session");
      List<String> names = other.getChildren(root, false);
      isTrue(names.size() - 1 >= acknowledged, "all acknowledged creates are there");
      for (int round = 0; round < 5; round++) {
        String prefix = "r" + round + "-";
        int count = (int) names.stream().filter(name -> name.startsWith(prefix)).count();
        for (int i = 0; i < count; i++) {
          isTrue(names.contains(prefix + i), "no hole in the order of round " + round);
        }
      }
      equal(other.exists(root + "/e", false).getEphemeralOwner(), session, "owner");
      other.deleteTree(root);
    }
  }

  private void moved(String root) throws Exception {
    try (Plain old = Plain.open(server); Plain other = Plain.open(server)) {
      old.create(root, null, OPEN_ACL_UNSAFE, EPHEMERAL);
      Plain twin = Plain.reopen(server, old);
      equal(twin.getSessionId(), old.getSessionId(), "session");
      eventually("the old connection is told",
          () -> old.events.states.contains(KeeperState.Disconnected));
      old.close();
      twin.close();
      eventually("the ephemeral goes", () -> other.exists(root, false) == null);
    }
  }

  private void expiry(String root) throws Exception {
    try (Plain other = Plain.open(server)) {
      Plain zk = Plain.open(Suite.PROXY, 4000);
      equal(zk.getSessionTimeout(), 4000, "granted time-out");
      zk.create(root, null, OPEN_ACL_UNSAFE, EPHEMERAL);
      other.exists(root, true);
      long silentNanos = System.nanoTime();
      proxy("refuse");
      equal(other.events.next(), "NodeDeleted " + root, "event");
      long silentMs = (System.nanoTime() - silentNanos) / 1_000_000;
      // The client's last ping may be a third of the time-out old.
      isTrue(silentMs > 2000 && silentMs < 12_000, "expired in time, after " + silentMs + " ms");
      proxy("accept");
      eventually("told", () -> zk.events.states.contains(KeeperState.Expired));
      raises(KeeperException.SessionExpiredException.class, () -> zk.exists("/", false));
      zk.close();
    }
  }

  private void close(String root) throws Exception {
    try (Plain other = Plain.open(server)) {
      other.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      for (int i = 0; i < 5; i++) {
        Plain zk = Plain.open(server);
        for (int k = 0; k < 20; k++) {
          zk.create(root + "/" + k, null, OPEN_ACL_UNSAFE, EPHEMERAL);
        }
        zk.close();
        equal(other.getChildren(root, false), List.of(), "ephemerals after close");
        raises(KeeperException.SessionExpiredException.class, () -> zk.exists("/", false));
      }
      other.delete(root, -1);
    }
  }

  private void restart(String root) throws Exception {
    try (Plain zk = Plain.open(server); Plain other = Plain.open(server)) {
      zk.create(root, bytes("0"), OPEN_ACL_UNSAFE, PERSISTENT);
      zk.create(root + "/e", null, OPEN_ACL_UNSAFE, EPHEMERAL);
      zk.addWatch(root, AddWatchMode.PERSISTENT_RECURSIVE);
      long session = zk.getSessionId();
      LinkedBlockingQueue<Integer> codes = new LinkedBlockingQueue<>();
      LinkedBlockingQueue<Integer> acknowledged = new LinkedBlockingQueue<>();
      for (int i = 0; i < 3000; i++) {
        other.setData(root, bytes("" + i), -1, (code, path, context, stat) -> {
          if (code == 0) acknowledged.add(stat.getVersion());
          codes.add(code);
        }, null);
      }
      proxy("restart");
      eventually("all are answered", () -> codes.size() == 3000);
      eventually("both are back", () -> zk.getState() == States.CONNECTED
          && other.getState() == States.CONNECTED);
      int version = zk.exists(root, false).getVersion();
      isTrue(version >= acknowledged.size(), version + " covers " + acknowledged.size());
      equal(zk.getSessionId(), session, "session");
      equal(other.exists(root + "/e", false).getEphemeralOwner(), session, "owner");
      zk.events.watches.clear();
      other.delete(root + "/e", -1);
      eventually("the watch is set again", () -> zk.events.next().endsWith(root + "/e"));
      zk.deleteTree(root);
    }
  }

  private void chroot(String root) throws Exception {
    try (Plain other = Plain.open(server)) {
      other.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT);
      try (Plain zk = Plain.open(server + root)) {
        zk.addWatch("/a", AddWatchMode.PERSISTENT_RECURSIVE);
        equal(zk.create("/a", null, OPEN_ACL_UNSAFE, PERSISTENT), "/a", "path");
        equal(zk.events.next(), "NodeCreated /a", "event");
        other.create(root + "/a/b", null, OPEN_ACL_UNSAFE, PERSISTENT);
        equal(zk.events.next(), "NodeCreated /a/b", "event");
        equal(zk.getChildren("/", false), List.of("a"), "children");
      }
      other.deleteTree(root);
    }
  }
}
