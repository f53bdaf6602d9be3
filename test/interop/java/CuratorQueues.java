package interop;

import static interop.Suite.bytes;
import static interop.Suite.equal;
import static interop.Suite.eventually;
import static interop.Suite.isTrue;
import static interop.Suite.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;

/** Curator's queues and its service discovery. */
final class CuratorQueues {
  private final String server;

  CuratorQueues(String server, Suite suite) {
    this.server = server;
    suite.add("DistributedQueue: every item is consumed exactly once", this::queue);
    suite.add("Priority, delay and simple queues keep their orders", this::otherQueues);
    suite.add("ServiceDiscovery: register, find, cache, unregister", this::discovery);
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
