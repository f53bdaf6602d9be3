package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.isTrue;
import static interop.Suite.raises;
import static interop.Suite.text;
import static org.apache.zookeeper.CreateMode.EPHEMERAL;
import static org.apache.zookeeper.CreateMode.PERSISTENT;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.zookeeper.KeeperException.NotReadOnlyException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.ZooKeeper.States;

/** Apache's Java client with canBeReadOnly at the one server that is left of three: HOST:PORT. */
public final class ReadOnlySuite {
  private static final String PATH = "/read-only";
  private static final int TIMEOUT_MS = 10_000;

  private final String server;

  private ReadOnlySuite(String server) {
    this.server = server;
  }

  public static void main(String[] arguments) {
    ReadOnlySuite checks = new ReadOnlySuite(arguments[0]);
    Suite suite = new Suite();
    suite.add("without a majority a client that asks for it reads, and its writes are refused",
        checks::reads);
    suite.add("without a majority a client that does not ask for it is not let in", checks::others);
    suite.add("once a majority is there again it has a session of its own, and writes",
        checks::returns);
    suite.run();
  }

  private void reads(String root) throws Exception {
    Queue<KeeperState> states = new ConcurrentLinkedQueue<>();
    try (ZooKeeper zk = connect(states, true)) {
      eventually("connected", () -> zk.getState() == States.CONNECTEDREADONLY);
      eventually("told so", () -> states.contains(KeeperState.ConnectedReadOnly));
      equal(text(zk.getData(PATH, true, null)), "written before", "data");
      equal(zk.exists(root, false), null, "a node that is not there");
      isTrue(zk.getChildren("/", false).contains(PATH.substring(1)), "it is listed");
      raises(NotReadOnlyException.class,
          () -> zk.create(root, null, OPEN_ACL_UNSAFE, PERSISTENT));
      raises(NotReadOnlyException.class, () -> zk.setData(PATH, bytes("x"), -1));
      raises(NotReadOnlyException.class, () -> {
        zk.delete(PATH, -1);
        return null;
      });
      equal(text(zk.getData(PATH, false, null)), "written before", "data afterwards");
    }
  }

  private void others(String root) throws Exception {
    Queue<KeeperState> states = new ConcurrentLinkedQueue<>();
    try (ZooKeeper zk = connect(states, false)) {
      Thread.sleep(3_000);
      isTrue(!zk.getState().isConnected(), "it is not connected");
      isTrue(!states.contains(KeeperState.SyncConnected), "it was never told so");
    }
  }

  private void returns(String root) throws Exception {
    Queue<KeeperState> states = new ConcurrentLinkedQueue<>();
    try (ZooKeeper zk = connect(states, true)) {
      eventually("connected", () -> zk.getState() == States.CONNECTEDREADONLY);
      Suite.proxy("restart");
      eventually("a full connection", 40_000, () -> zk.getState() == States.CONNECTED);
      zk.create(root, null, OPEN_ACL_UNSAFE, EPHEMERAL);
      equal(zk.exists(root, false).getEphemeralOwner(), zk.getSessionId(), "owner");
      equal(zk.setData(PATH, bytes("written after"), -1).getVersion(), 1, "version");
      isTrue(states.contains(KeeperState.SyncConnected), "it was told so");
    }
  }

  private ZooKeeper connect(Queue<KeeperState> states, boolean canBeReadOnly) throws Exception {
    return new ZooKeeper(
        server, TIMEOUT_MS, event -> states.add(event.getState()), canBeReadOnly);
  }
}
