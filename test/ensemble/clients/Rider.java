import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** Rides through failovers with Apache's client: writes until its standard input ends. */
public final class Rider implements Watcher {
    private static final String PATH = "/riders/java";

    private final AtomicInteger suspended = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicBoolean over = new AtomicBoolean();
    private final CountDownLatch connected = new CountDownLatch(1);
    private int acked;
    private int unknown;

    public static void main(String[] args) throws Exception {
        new Rider().run(args[0]);
    }

    @Override
    public void process(WatchedEvent event) {
        switch (event.getState()) {
            case SyncConnected -> connected.countDown();
            case Disconnected -> suspended.incrementAndGet();
            case Expired -> lost.incrementAndGet();
            default -> { }
        }
    }

    private void run(String servers) throws Exception {
        ZooKeeper client = new ZooKeeper(servers, 8000, this);
        connected.await();
        client.create(PATH, new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        client.create(PATH + "-alive", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        System.out.println("ready");
        Thread end = new Thread(this::waitForEnd);
        end.setDaemon(true);
        end.start();
        while (!over.get() && lost.get() == 0) write(client);
        Stat stat = lastStat(client);
        boolean alive = client.exists(PATH + "-alive", false) != null;
        System.out.printf("suspended %d lost %d acked %d unknown %d version %d alive %d%n",
            suspended.get(), lost.get(), acked, unknown, stat.getVersion(), alive ? 1 : 0);
        client.close();
    }

    private void waitForEnd() {
        try {
            while (System.in.read() >= 0) { }
        } catch (java.io.IOException error) {
            // A broken pipe ends it just as well.
        }
        over.set(true);
    }

    private void write(ZooKeeper client) throws Exception {
        try {
            client.setData(PATH, new byte[] {'x'}, -1);
            acked++;
        } catch (KeeperException.ConnectionLossException error) {
            unknown++;
            Thread.sleep(10);
        } catch (KeeperException.SessionExpiredException error) {
            lost.incrementAndGet();
        }
    }

    private static Stat lastStat(ZooKeeper client) throws Exception {
        while (true) {
            try {
                return client.exists(PATH, false);
            } catch (KeeperException.ConnectionLossException error) {
                Thread.sleep(50);
            }
        }
    }
}
