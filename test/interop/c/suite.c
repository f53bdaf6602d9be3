/* ZooKeeper's C client, as Debian ships it, against one server: c-client HOST:PORT */
#include "suite.h"

#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CHECKS 64
#define CHECK_LIMIT_SECONDS 90

const char *server_address;
const char *proxy_address;

static struct {
  const char *name;
  check_body body;
} checks[MAX_CHECKS];
static int check_count;
static jmp_buf failed;
static char reason[1000];
static const char *running_name;

void add_check(const char *name, check_body body) {
  const char *match = getenv("INTEROP_MATCH");
  if (match != NULL && strstr(name, match) == NULL) return;
  checks[check_count].name = name;
  checks[check_count].body = body;
  check_count += 1;
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  longjmp(failed, 1);
}

void equal_long(long long actual, long long expected, const char *what, int line) {
  if (actual != expected) fail("line %d: %s is %lld, should be %lld", line, what, actual, expected);
}

void same_text(const char *actual, const char *expected, const char *what, int line) {
  if (strcmp(actual, expected) != 0) {
    fail("line %d: %s is %s, should be %s", line, what, actual, expected);
  }
}

void pause_ms(int milliseconds) {
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&pause, NULL);
}

void proxy(const char *word) {
  char host[100];
  const char *address = getenv("INTEROP_PROXY_CONTROL");
  TRUE(address != NULL);
  snprintf(host, sizeof host, "%s", address);
  char *colon = strchr(host, ':');
  *colon = '\0';
  struct addrinfo *found;
  EQUAL(getaddrinfo(host, colon + 1, NULL, &found), 0);
  int control = socket(found->ai_family, SOCK_STREAM, 0);
  EQUAL(connect(control, found->ai_addr, found->ai_addrlen), 0);
  freeaddrinfo(found);
  dprintf(control, "%s\n", word);
  char answer[16] = "";
  ssize_t length = read(control, answer, sizeof answer - 1);
  close(control);
  EQUAL(length, 5);
  SAME_TEXT(answer, "done\n");
}

void watch(zhandle_t *handle, int type, int state, const char *path, void *context) {
  (void)handle;
  struct client *client = context;
  if (type == ZOO_SESSION_EVENT) {
    client->expired_count += state == ZOO_EXPIRED_SESSION_STATE;
    client->lost_count += state == ZOO_CONNECTING_STATE;
    client->connected_count += state == ZOO_CONNECTED_STATE;
    return;
  }
  if (client->event_count == MAX_EVENTS) return;
  struct event *event = &client->events[client->event_count];
  event->type = type;
  event->state = state;
  snprintf(event->path, sizeof event->path, "%s", path);
  /* Counted last: the checks look from another thread. */
  __atomic_add_fetch(&client->event_count, 1, __ATOMIC_RELEASE);
}

struct client *open_client(const char *address, int timeout_ms, const clientid_t *id) {
  struct client *client = calloc(1, sizeof *client);
  client->handle = zookeeper_init(address, watch, timeout_ms, id, client, 0);
  TRUE(client->handle != NULL);
  EVENTUALLY(zoo_state(client->handle) == ZOO_CONNECTED_STATE || client->expired_count > 0);
  return client;
}

void close_client(struct client *client) {
  zookeeper_close(client->handle);
  free(client);
}

void expect_event(struct client *client, int type, const char *path) {
  EVENTUALLY(__atomic_load_n(&client->event_count, __ATOMIC_ACQUIRE) > client->events_taken);
  const struct event *event = &client->events[client->events_taken];
  client->events_taken += 1;
  if (event->type != type || strcmp(event->path, path) != 0) {
    fail("event is %d %s, should be %d %s", event->type, event->path, type, path);
  }
}

const char *below(const char *root, const char *name) {
  static char paths[8][300];
  static int next;
  next = (next + 1) % 8;
  snprintf(paths[next], sizeof paths[next], "%s/%s", root, name);
  return paths[next];
}

static void overdue(int signal_number) {
  (void)signal_number;
  printf("not ok %d %s :: not finished after %d s\n", CHECK_LIMIT_SECONDS * 1000, running_name,
         CHECK_LIMIT_SECONDS);
  fflush(stdout);
  _exit(1);
}

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int run_checks(void) {
  volatile bool good = true;
  for (int i = 0; i < check_count; i++) printf("plan %s\n", checks[i].name);
  for (volatile int i = 0; i < check_count; i++) {
    char root[100];
    snprintf(root, sizeof root, "/interop-c-%d-%d-%lld", (int)getpid(), i, now_ms());
    running_name = checks[i].name;
    volatile long long started_ms = now_ms();
    alarm(CHECK_LIMIT_SECONDS);
    if (setjmp(failed) == 0) {
      checks[i].body(root);
      printf("ok %lld %s\n", now_ms() - started_ms, checks[i].name);
    } else {
      good = false;
      printf("not ok %lld %s :: %s\n", now_ms() - started_ms, checks[i].name, reason);
    }
    fflush(stdout);
  }
  return good ? 0 : 1;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, overdue);
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  zoo_deterministic_conn_order(1);
  server_address = arguments[1];
  proxy_address = getenv("INTEROP_PROXY");
  register_operations();
  register_sessions();
  int status = run_checks();
  /* A failed check leaves handles open; their threads must not keep the process. */
  fflush(NULL);
  _exit(status);
}
