package interop;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** The register of checks and what they share: assertions, waiting, threads, and the proxy. */
final class Suite {
  /** A check gets a root path that exists nowhere yet. */
  interface Body {
    void run(String root) throws Exception;
  }

  interface Condition {
    boolean holds() throws Exception;
  }

  interface Work {
    void run(int index) throws Exception;
  }

  private static final long CHECK_LIMIT_SECONDS = 90;

  static final String PROXY = System.getenv("INTEROP_PROXY");
  static final String PEER = System.getenv().getOrDefault("INTEROP_PEER", "unknown");
  /** Whether the runner has started the server, so that it may be killed. */
  static final boolean CAN_RESTART = "yes".equals(System.getenv("INTEROP_CAN_RESTART"));
  static final long REAP_MS =
      Long.parseLong(System.getenv().getOrDefault("INTEROP_REAP_MS", "130000"));

  private final Map<String, Body> checks = new LinkedHashMap<>();

  void add(String name, Body body) {
    if (checks.put(name, body) != null) throw new IllegalStateException("two checks named " + name);
  }

  void run() {
    String match = System.getenv().getOrDefault("INTEROP_MATCH", "");
    checks.keySet().removeIf(name -> !name.contains(match));
    checks.keySet().forEach(name -> System.out.println("plan " + name));
    boolean good = true;
    for (Map.Entry<String, Body> check : checks.entrySet()) {
      good &= runOne(check.getKey(), check.getValue());
    }
    System.out.flush();
    // A check that hangs leaves threads behind; halt does not wait for them.
    Runtime.getRuntime().halt(good ? 0 : 1);
  }

  private static boolean runOne(String name, Body body) {
    long startedNanos = System.nanoTime();
    BlockingQueue<String> ended = new ArrayBlockingQueue<>(1);
    Thread thread = new Thread(() -> ended.add(outcome(body)));
    thread.setDaemon(true);
    thread.start();
    String reason;
    try {
      reason = ended.poll(CHECK_LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
    if (reason == null) reason = "not finished after " + CHECK_LIMIT_SECONDS + " s";
    long milliseconds = (System.nanoTime() - startedNanos) / 1_000_000;
    if (reason.isEmpty()) System.out.println("ok " + milliseconds + " " + name);
    else System.out.println("not ok " + milliseconds + " " + name + " :: " + reason);
    return reason.isEmpty();
  }

  private static String outcome(Body body) {
    try {
      body.run("/interop-java-" + UUID.randomUUID().toString().substring(0, 13));
      return "";
    } catch (Throwable error) {
      StringWriter trace = new StringWriter();
      error.printStackTrace(new PrintWriter(trace));
      System.err.println(trace);
      return error.toString().replaceAll("\\s+", " ");
    }
  }

  static void equal(Object actual, Object expected, String what) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(what + " is " + actual + ", should be " + expected);
    }
  }

  static void isTrue(boolean condition, String what) {
    if (!condition) throw new AssertionError("not so: " + what);
  }

  static <E extends Throwable> E raises(Class<E> kind, Callable<?> call) throws Exception {
    Object result;
    try {
      result = call.call();
    } catch (Throwable error) {
      if (kind.isInstance(error)) return kind.cast(error);
      throw error;
    }
    throw new AssertionError(kind.getSimpleName() + " expected, but the call returned " + result);
  }

  static void eventually(String what, Condition condition) throws Exception {
    eventually(what, 20_000, condition);
  }

  static void eventually(String what, long timeoutMs, Condition condition) throws Exception {
    long deadline = System.nanoTime() + timeoutMs * 1_000_000;
    while (System.nanoTime() < deadline) {
      if (condition.holds()) return;
      Thread.sleep(10);
    }
    throw new AssertionError("never happened within " + timeoutMs + " ms: " + what);
  }

  /** Runs work(0) to work(count - 1) at once, and raises the first failure of any. */
  static void inThreads(int count, Work work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<? extends Future<?>> ends = IntStream.range(0, count)
          .mapToObj(index -> threads.submit((Callable<Void>) () -> {
            work.run(index);
            return null;
          }))
          .toList();
      for (Future<?> end : ends) end.get(CHECK_LIMIT_SECONDS, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
    }
  }

  /** Sends one command to the runner's proxy, and waits until it is done. */
  static void proxy(String word) throws Exception {
    String[] address = System.getenv("INTEROP_PROXY_CONTROL").split(":");
    try (Socket control = new Socket(address[0], Integer.parseInt(address[1]))) {
      control.setSoTimeout(60_000);
      control.getOutputStream().write((word + "\n").getBytes(StandardCharsets.US_ASCII));
      byte[] answer = control.getInputStream().readNBytes(5);
      equal(new String(answer, StandardCharsets.US_ASCII), "done\n", "the proxy's answer");
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] data) {
    return new String(data, StandardCharsets.UTF_8);
  }
}
