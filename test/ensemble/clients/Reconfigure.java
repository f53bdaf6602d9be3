import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.Stat;

/** One reconfiguration by ZooKeeperAdmin: Reconfigure SERVERS JOINING LEAVING; `-` is nothing. */
public final class Reconfigure {
    public static void main(String[] args) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        try (ZooKeeperAdmin admin = new ZooKeeperAdmin(args[0], 10000, event -> connected.countDown())) {
            connected.await();
            admin.addAuthInfo("digest", "super:admin".getBytes(StandardCharsets.UTF_8));
            byte[] config = admin.reconfigure(text(args[1]), text(args[2]), null, -1, new Stat());
            System.out.println(new String(config, StandardCharsets.UTF_8));
        }
    }

    private static String text(String argument) {
        return argument.equals("-") ? null : argument;
    }
}
