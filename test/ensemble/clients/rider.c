/* Rides through failovers with the C client: writes until its standard input ends. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

static const char path[] = "/riders/c";
static const char alive_path[] = "/riders/c-alive";
static atomic_int connected, suspended, lost, over;

static void watch(zhandle_t *zh, int type, int state, const char *at, void *context) {
  (void)zh, (void)at, (void)context;
  if (type != ZOO_SESSION_EVENT) return;
  if (state == ZOO_CONNECTED_STATE) {
    connected = 1;
  } else if (state == ZOO_EXPIRED_SESSION_STATE) {
    lost++;
  } else if (connected) {
    /* Connecting again is told once for each server that is tried. */
    connected = 0;
    suspended++;
  }
}

static void *wait_for_end(void *unused) {
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  over = 1;
  return unused;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  zhandle_t *zh = zookeeper_init(arguments[1], watch, 8000, NULL, NULL, 0);
  if (zh == NULL) return 1;
  while (!connected) usleep(1000);
  if (zoo_create(zh, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) != ZOK) return 1;
  if (zoo_create(zh, alive_path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0) != ZOK) {
    return 1;
  }
  puts("ready");
  fflush(stdout);
  pthread_t end;
  pthread_create(&end, NULL, wait_for_end, NULL);
  int acked = 0, unknown = 0;
  while (!over && !lost) {
    int code = zoo_set(zh, path, "x", 1, -1);
    if (code == ZOK) {
      acked++;
    } else if (code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT) {
      unknown++;
      usleep(10000);
    } else {
      fprintf(stderr, "set: %s\n", zerror(code));
      usleep(10000);
    }
  }
  struct Stat stat;
  while (!lost && zoo_exists(zh, path, 0, &stat) != ZOK) usleep(50000);
  int alive = !lost && zoo_exists(zh, alive_path, 0, NULL) == ZOK;
  printf("suspended %d lost %d acked %d unknown %d version %d alive %d\n", (int)suspended,
         (int)lost, acked, unknown, lost ? -1 : stat.version, alive);
  fflush(stdout);
  zookeeper_close(zh);
  return 0;
}
