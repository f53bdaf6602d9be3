/* zkload: a load generator that speaks the ZooKeeper client protocol.
 *
 *   cc -O2 -o zkload zkload.c
 *   zkload [options] HOST:PORT[,HOST:PORT...]
 *
 * One thread, one epoll loop, N connections, each keeping DEPTH requests in flight. Of a reply it
 * decodes the frame boundary, the xid and the error code, nothing else, so it costs far less CPU
 * than any server it drives; it prints what it did cost.
 *
 *   -c N     connections (64)             -d N   depth per connection (16)
 *   -r PCT   reads, in percent (100)      -k N   keys (1000)
 *   -v N     value bytes (100)            -t S   measured seconds (5)
 *   -w S     warm-up seconds (2)          -n N   stop after N ops instead of -t
 *   -o OP    read op: get|exists|ls|ping (get)
 *   -O OP    write op: set|create|cd|multi (set)
 *            cd = create then delete of an ephemeral; multi = 10 sets in one
 *   -p PATH  root node (/zkload)          -s     setup only (create the keys)
 *   -W       one watch per read           -q     one line of key=value output
 *   -T MS    session timeout (30000)
 *   -i US    pace: each connection sends one request every US microseconds, and latency counts from
 *            when it was due, so that a server that stalls is charged for what it kept waiting
 *   -L FILE  one line per measured reply: when it came (us, monotonic clock) and its latency (us)
 *   -E       echo floor: no handshake, no setup, and replies are matched by order alone
 *
 * Output: ops/s, errors, latency p50 p90 p99 p999 max in microseconds, and the generator's own CPU
 * seconds. SIGINT or SIGTERM ends the measurement early and prints it. Exit: 0 done, 1 some replies
 * were errors, 2 could not run, 3 the server closed a connection.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "zkload.h"
#include "zkload-setup.h"

static int epoll_fd, timer_fd = -1;
static FILE *log_file;
static uint64_t ops, errors, latency_max_us, histogram[BUCKETS];
static int measuring, stopping;
static volatile sig_atomic_t interrupted;

/* Latency histogram: exact below 1024 us, then 1024 buckets for each doubling. */
static int bucket_of(uint64_t us) {
  if (us < BUCKETS_PER_OCTAVE) return us;
  int octave = 63 - __builtin_clzll(us) - 10;
  return (octave + 1) * BUCKETS_PER_OCTAVE + ((us >> octave) & (BUCKETS_PER_OCTAVE - 1));
}
static uint64_t bucket_floor_us(int bucket) {
  if (bucket < BUCKETS_PER_OCTAVE) return bucket;
  int octave = bucket / BUCKETS_PER_OCTAVE - 1;
  return (uint64_t)(BUCKETS_PER_OCTAVE + bucket % BUCKETS_PER_OCTAVE) << octave;
}
static uint64_t quantile_us(double fraction) {
  uint64_t counted = 0;
  for (int b = 0; b < BUCKETS && ops; b++) {
    counted += histogram[b];
    if (counted >= fraction * ops) return bucket_floor_us(b);
  }
  return 0;
}

/* ---- requests ---- */

static void put_unique_path(Buffer *b, char kind, const Connection *c, uint64_t name) {
  char path[ROOT_BYTES_MAX + 64];
  snprintf(path, sizeof path, "%s/%c%d-%llu", options.root, kind, c->id, (unsigned long long)name);
  put_string(b, path);
}
static uint64_t unique_name(Connection *c) {
  static uint64_t pid;
  if (!pid) pid = getpid();
  return pid << 32 | ++c->names_made;
}
static int random_key(void) { return next_random() % options.keys; }
static void put_read(Buffer *b) {
  static const int opcodes[] = {OP_GET_DATA, OP_EXISTS, OP_GET_CHILDREN, OP_PING};
  put_i32(b, opcodes[options.read_op]);
  if (options.read_op == READ_PING) return;
  if (options.read_op == READ_LS) put_string(b, options.root);
  else put_key_path(b, random_key());
  put_u8(b, options.watch);
}
static void put_create_or_delete(Buffer *b, Connection *c) {
  if (c->pending_delete) {
    put_i32(b, OP_DELETE);
    put_unique_path(b, 'e', c, c->pending_delete);
    put_i32(b, -1);
    c->pending_delete = 0;
  } else {
    c->pending_delete = unique_name(c);
    put_i32(b, OP_CREATE);
    put_unique_path(b, 'e', c, c->pending_delete);
    put_create_tail(b, options.value_bytes, EPHEMERAL);
  }
}
static void put_write(Buffer *b, Connection *c) {
  switch (options.write_op) {
    case WRITE_SET:
      put_i32(b, OP_SET_DATA);
      put_key_path(b, random_key());
      put_set_tail(b);
      break;
    case WRITE_CREATE:
      put_i32(b, OP_CREATE);
      put_unique_path(b, 'c', c, unique_name(c));
      put_create_tail(b, options.value_bytes, PERSISTENT);
      break;
    case WRITE_CREATE_DELETE:
      put_create_or_delete(b, c);
      break;
    case WRITE_MULTI:
      put_i32(b, OP_MULTI);
      for (int i = 0; i < OPS_PER_MULTI; i++) {
        put_multi_header(b, OP_SET_DATA, 0);
        put_key_path(b, random_key());
        put_set_tail(b);
      }
      put_multi_header(b, -1, 1);
  }
}
static uint32_t xid_of(uint32_t request) {
  return options.read_op == READ_PING ? (uint32_t)XID_PING : (request & 0x3fffffff) + 1;
}
static void put_request(Connection *c, uint64_t at_ns) {
  size_t body = begin_frame(&c->out, OPS_PER_MULTI);
  put_i32(&c->out, xid_of(c->sent));
  if ((int)(next_random() % 100) < options.read_percent) put_read(&c->out);
  else put_write(&c->out, c);
  end_frame(&c->out, body);
  c->sent_at_ns[c->sent++ % DEPTH_MAX] = at_ns;
}

/* ---- the loop ---- */

static void watch_socket(Connection *c, int how) {
  uint32_t events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0);
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(epoll_fd, how, c->fd, &event)) fail_errno("epoll_ctl");
}
static void flush(Connection *c) {
  Buffer *out = &c->out;
  while (out->start < out->end) {
    ssize_t n = write(c->fd, out->bytes + out->start, out->end - out->start);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail(3, "write: %s", strerror(errno));
    out->start += n;
  }
  int wants_write = out->start < out->end;
  if (wants_write == c->wants_write) return;
  c->wants_write = wants_write;
  watch_socket(c, EPOLL_CTL_MOD);
}
static uint32_t in_flight(const Connection *c) { return c->sent - c->answered; }
static void refill(Connection *c, uint64_t now) {
  uint64_t interval_ns = options.interval_us * 1000;
  while (!stopping && in_flight(c) < (uint32_t)options.depth) {
    if (!interval_ns) put_request(c, now_ns());
    else if (c->due_at_ns > now) break;
    else put_request(c, c->due_at_ns), c->due_at_ns += interval_ns;
  }
  flush(c);
}
static void count_reply(Connection *c, int err, uint64_t now) {
  uint64_t us = (now - c->sent_at_ns[c->answered++ % DEPTH_MAX]) / 1000;
  if (!measuring || stopping) return;
  ops++;
  if (err) errors++;
  if (us > latency_max_us) latency_max_us = us;
  histogram[bucket_of(us)]++;
  if (log_file) fprintf(log_file, "%llu %llu\n", now / 1000ull, (unsigned long long)us);
}
static void take_reply(Connection *c, const uint8_t *body, uint32_t length, uint64_t now) {
  if (options.echo) return count_reply(c, 0, now);
  if (length < 16) fail(2, "a reply of %u bytes", length);
  int32_t xid = get_u32(body);
  if (xid == -1) return; /* a watch event */
  if (!in_flight(c) || xid != (int32_t)xid_of(c->answered)) fail(2, "xid %d out of order", xid);
  count_reply(c, (int)get_u32(body + 12), now);
}
static void receive(Connection *c) {
  reserve(&c->in, READ_BYTES);
  ssize_t n = read(c->fd, c->in.bytes + c->in.end, READ_BYTES);
  if (n == 0) fail(3, "server closed a connection");
  if (n < 0 && errno != EAGAIN) fail(3, "read: %s", strerror(errno));
  if (n <= 0) return;
  c->in.end += n;
  uint64_t now = now_ns();
  while (c->in.end - c->in.start >= 4) {
    uint32_t length = get_u32(c->in.bytes + c->in.start);
    if (length > FRAME_BYTES_MAX) fail(2, "a reply of %u bytes", length);
    if (c->in.end - c->in.start < 4 + (size_t)length) break;
    take_reply(c, c->in.bytes + c->in.start + 4, length, now);
    c->in.start += 4 + length;
  }
}
static void start_pacing(uint64_t now) {
  prctl(PR_SET_TIMERSLACK, 1);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  uint64_t ns = options.interval_us * 1000;
  struct timespec interval = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
  struct itimerspec spec = {.it_interval = interval, .it_value = interval};
  if (timer_fd < 0 || timerfd_settime(timer_fd, 0, &spec, 0)) fail_errno("timer");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event)) fail_errno("epoll_ctl");
  for (int i = 0; i < options.connections; i++)
    connections[i].due_at_ns = now + ns * (i + 1) / options.connections;
}
static void tick(uint64_t now) {
  uint64_t expirations;
  if (read(timer_fd, &expirations, sizeof expirations) < 0) return;
  for (int i = 0; i < options.connections; i++) refill(&connections[i], now);
}
static int all_answered(void) {
  for (int i = 0; i < options.connections; i++) if (in_flight(&connections[i])) return 0;
  return 1;
}
static void start_load(uint64_t now) {
  epoll_fd = epoll_create1(0);
  for (int i = 0; i < options.connections; i++) {
    Connection *c = &connections[i];
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
    c->sent = c->answered = 0;
    watch_socket(c, EPOLL_CTL_ADD);
  }
  if (options.interval_us) start_pacing(now);
  for (int i = 0; i < options.connections; i++) refill(&connections[i], now);
}
static void serve_events(int timeout_ms) {
  struct epoll_event events[256];
  int n = epoll_wait(epoll_fd, events, 256, timeout_ms);
  uint64_t now = now_ns();
  for (int i = 0; i < n; i++) {
    Connection *c = events[i].data.ptr;
    if (!c) { tick(now); continue; }
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    refill(c, now);
  }
}
static void print_result(double elapsed_s, double cpu_s) {
  typedef unsigned long long u;
  const char *format = options.quiet
    ? "ops_s=%.0f errors=%llu p50=%llu p90=%llu p99=%llu p999=%llu max=%llu cpu=%.2f\n"
    : "%.0f ops/s, %llu errors; latency us p50 %llu p90 %llu p99 %llu p999 %llu max %llu; "
      "generator cpu %.2f s\n";
  printf(format, ops / elapsed_s, (u)errors, (u)quantile_us(.5), (u)quantile_us(.9),
         (u)quantile_us(.99), (u)quantile_us(.999), (u)latency_max_us, cpu_s);
}
static void run_load(void) {
  const uint64_t drain_ns = 5000000000ull;
  uint64_t started = now_ns(), measure_from = started + (uint64_t)(options.warmup_s * 1e9);
  uint64_t stop_at = measure_from + (uint64_t)(options.measured_s * 1e9), stopped_at = 0;
  double cpu_at_start = 0;
  start_load(started);
  while (!stopping || (!all_answered() && now_ns() - stopped_at < drain_ns)) {
    serve_events(100);
    uint64_t now = now_ns();
    if (!measuring && now >= measure_from) {
      measuring = 1;
      measure_from = now;
      cpu_at_start = cpu_seconds();
    }
    int enough = options.ops_max ? ops >= options.ops_max : now >= stop_at;
    if (!stopping && ((measuring && enough) || interrupted)) stopping = 1, stopped_at = now;
  }
  if (!measuring) fail(2, "interrupted before the warm-up ended");
  print_result((stopped_at - measure_from) / 1e9, cpu_seconds() - cpu_at_start);
}

/* ---- command line ---- */

static void usage(void) {
  fputs("usage: zkload [options] HOST:PORT[,HOST:PORT...] (see the head of zkload.c)\n", stderr);
  exit(2);
}
static int index_of(const char *word, const char *const *words) {
  for (int i = 0; words[i]; i++) if (!strcmp(word, words[i])) return i;
  fail(2, "unknown operation %s", word);
  return -1;
}
static void set_option(int letter, const char *argument) {
  static const char *const read_ops[] = {"get", "exists", "ls", "ping", NULL};
  static const char *const write_ops[] = {"set", "create", "cd", "multi", NULL};
  switch (letter) {
    case 'c': options.connections = atoi(argument); break;
    case 'd': options.depth = atoi(argument); break;
    case 'r': options.read_percent = atoi(argument); break;
    case 'k': options.keys = atoi(argument); break;
    case 'v': options.value_bytes = atoi(argument); break;
    case 't': options.measured_s = atof(argument); break;
    case 'w': options.warmup_s = atof(argument); break;
    case 'n': options.ops_max = atoll(argument); break;
    case 'o': options.read_op = index_of(argument, read_ops); break;
    case 'O': options.write_op = index_of(argument, write_ops); break;
    case 'p': options.root = argument; break;
    case 's': options.setup_only = 1; break;
    case 'W': options.watch = 1; break;
    case 'q': options.quiet = 1; break;
    case 'T': options.session_timeout_ms = atoi(argument); break;
    case 'i': options.interval_us = atoll(argument); break;
    case 'L': options.log_path = argument; break;
    case 'E': options.echo = 1; break;
    default: usage();
  }
}
static void check_options(void) {
  if (options.connections < 1 || options.depth < 1 || options.depth > DEPTH_MAX) usage();
  if (options.keys < 1 || options.keys > KEYS_MAX || options.value_bytes < 0) usage();
  if (!options.host_count || strlen(options.root) > ROOT_BYTES_MAX) usage();
  if (options.read_op == READ_PING && options.read_percent < 100)
    fail(2, "pings have no xid of their own, so they do not mix with writes");
}
static void on_signal(int signal) { (void)signal; interrupted = 1; }

int main(int argc, char **argv) {
  int letter;
  while ((letter = getopt(argc, argv, "c:d:r:k:v:t:w:n:o:O:p:sWqT:i:L:E")) != -1)
    set_option(letter, optarg);
  char *list = optind < argc ? argv[optind] : NULL;
  for (char *host = list ? strtok(list, ",") : NULL; host; host = strtok(NULL, ","))
    if (options.host_count < HOSTS_MAX) options.hosts[options.host_count++] = host;
  check_options();
  value = malloc(options.value_bytes + 1);
  for (int i = 0; i < options.value_bytes; i++) value[i] = 'a' + next_random() % 26;
  if (options.log_path && !(log_file = fopen(options.log_path, "w"))) fail_errno(options.log_path);
  signal(SIGPIPE, SIG_IGN);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);

  open_connections();
  if (!options.echo && options.read_op != READ_PING) create_keys(&connections[0]);
  if (!options.setup_only) run_load();
  close_sessions();
  return errors != 0;
}
