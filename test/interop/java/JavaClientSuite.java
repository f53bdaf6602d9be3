package interop;

/** Apache's own Java client, as Debian ships it, against one server: HOST:PORT. */
public final class JavaClientSuite {
  private JavaClientSuite() {}

  public static void main(String[] arguments) {
    Suite suite = new Suite();
    new PlainOperations(arguments[0], suite);
    new PlainWatches(arguments[0], suite);
    suite.run();
  }
}
