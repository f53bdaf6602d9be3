package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.text;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;

/** Started Curator clients, each a session of its own, closed together; and a guarded section. */
final class Curator implements AutoCloseable {
  final List<CuratorFramework> all = new ArrayList<>();

  Curator(String server, int count) throws Exception {
    for (int i = 0; i < count; i++) all.add(open(server, 15_000));
  }

  static CuratorFramework open(String server, int sessionTimeoutMs) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.builder()
        .connectString(server)
        .sessionTimeoutMs(sessionTimeoutMs)
        .connectionTimeoutMs(10_000)
        .retryPolicy(new RetryNTimes(50, 100))
        // Else it learns an ensemble's other servers from /zookeeper/config and evades the proxy.
        .ensembleTracker(false)
        .build();
    client.start();
    if (!client.blockUntilConnected(20, TimeUnit.SECONDS)) {
      throw new AssertionError("not connected within 20 s");
    }
    return client;
  }

  CuratorFramework get(int index) {
    return all.get(index);
  }

  @Override
  public void close() {
    for (CuratorFramework client : all) client.close();
  }

  /**
   * What only one may do at once: counted in memory, where a second one inside shows, and in the
   * tree, where an unguarded read and write would lose updates.
   */
  static final class Section {
    final AtomicInteger inside = new AtomicInteger();
    final AtomicInteger mostInside = new AtomicInteger();
    private final String path;

    Section(CuratorFramework client, String path) throws Exception {
      this.path = path;
      client.create().creatingParentsIfNeeded().forPath(path, bytes("0"));
    }

    void enter(CuratorFramework client) throws Exception {
      mostInside.accumulateAndGet(inside.incrementAndGet(), Math::max);
      int value = Integer.parseInt(text(client.getData().forPath(path)));
      Thread.sleep(1);
      client.setData().forPath(path, bytes("" + (value + 1)));
      inside.decrementAndGet();
    }

    void verify(CuratorFramework client, int times) throws Exception {
      equal(mostInside.get(), 1, "most inside at once");
      equal(text(client.getData().forPath(path)), "" + times, "the number");
    }
  }
}
