package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.proxy;
import static interop.Suite.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;

/** Curator's caches and watchers: each must end up with what the tree holds. */
final class CuratorCaches {
  private final String server;

  CuratorCaches(String server, Suite suite) {
    this.server = server;
    suite.add("CuratorCache equals the tree after changes and a reconnection", this::cache);
    suite.add("TreeCache, PathChildrenCache and NodeCache converge", this::olderCaches);
    suite.add("PersistentWatcher sees every change of a subtree", this::persistentWatcher);
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
}
