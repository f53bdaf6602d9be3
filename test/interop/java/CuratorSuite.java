package interop;

/** Apache Curator, as Debian ships it, against one server: HOST:PORT. */
public final class CuratorSuite {
  private CuratorSuite() {}

  public static void main(String[] arguments) {
    Suite suite = new Suite();
    new CuratorLocks(arguments[0], suite);
    new CuratorNodes(arguments[0], suite);
    new CuratorCaches(arguments[0], suite);
    new CuratorQueues(arguments[0], suite);
    suite.run();
  }
}
