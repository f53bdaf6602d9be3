package interop;

/** Apache Curator, as Debian ships it, against one server: HOST:PORT. */
public final class CuratorSuite {
  private CuratorSuite() {}

  public static void main(String[] arguments) {
    Suite suite = new Suite();
    new CuratorLocks(arguments[0], suite);
    new CuratorData(arguments[0], suite);
    suite.run();
  }
}
