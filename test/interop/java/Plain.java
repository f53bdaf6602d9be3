package interop;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooKeeper;

/** A connected plain client that keeps the events of its watches, and closes itself. */
final class Plain extends ZooKeeper {
  /** Watch events in the order of their coming; connection events are kept apart. */
  static final class Events implements Watcher {
    final LinkedBlockingQueue<WatchedEvent> watches = new LinkedBlockingQueue<>();
    final LinkedBlockingQueue<Event.KeeperState> states = new LinkedBlockingQueue<>();
    final CountDownLatch connected = new CountDownLatch(1);

    @Override
    public void process(WatchedEvent event) {
      if (event.getType() != Event.EventType.None) {
        watches.add(event);
        return;
      }
      states.add(event.getState());
      if (event.getState() == Event.KeeperState.SyncConnected) connected.countDown();
    }

    /** The next watch event, as `Type path`. */
    String next() throws InterruptedException {
      WatchedEvent event = watches.poll(20, TimeUnit.SECONDS);
      if (event == null) throw new AssertionError("no watch event within 20 s");
      return event.getType() + " " + event.getPath();
    }
  }

  final Events events;

  private Plain(String server, int timeoutMs, Events events) throws Exception {
    super(server, timeoutMs, events);
    this.events = events;
  }

  private Plain(String server, int timeoutMs, Events events, Plain twin) throws Exception {
    super(server, timeoutMs, events, twin.getSessionId(), twin.getSessionPasswd());
    this.events = events;
  }

  private static Plain connected(Plain client) throws Exception {
    if (!client.events.connected.await(20, TimeUnit.SECONDS)) {
      throw new AssertionError("not connected within 20 s, state " + client.getState());
    }
    return client;
  }

  static Plain open(String server) throws Exception {
    return open(server, 15_000);
  }

  static Plain open(String server, int timeoutMs) throws Exception {
    return connected(new Plain(server, timeoutMs, new Events()));
  }

  /** A second connection for the session of `twin`. */
  static Plain reopen(String server, Plain twin) throws Exception {
    return connected(new Plain(server, 15_000, new Events(), twin));
  }

  void deleteTree(String root) throws Exception {
    if (exists(root, false) != null) ZKUtil.deleteRecursive(this, root, 100);
  }
}
