/* The register of checks of the C suite, and what they share. */
#ifndef INTEROP_SUITE_H
#define INTEROP_SUITE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <zookeeper/zookeeper.h>

#define MAX_EVENTS 1024

struct event {
  int type;
  int state;
  char path[200];
};

/* A connected handle with the events of its watches in the order of their coming. */
struct client {
  zhandle_t *handle;
  struct event events[MAX_EVENTS];
  int event_count;
  int events_taken;
  int expired_count;
  int connected_count;
  int lost_count;
};

typedef void (*check_body)(const char *root);

extern const char *server_address;
extern const char *proxy_address;

void add_check(const char *name, check_body body);
int run_checks(void);

/* Fails the running check; does not return. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define EQUAL(actual, expected) equal_long((actual), (expected), #actual, __LINE__)
#define SAME_TEXT(actual, expected) same_text((actual), (expected), #actual, __LINE__)
#define TRUE(condition) \
  do {                  \
    if (!(condition)) fail("line %d: not so: %s", __LINE__, #condition); \
  } while (0)
/* Waits until an expression, evaluated again and again, is true. */
#define EVENTUALLY(condition)                                                \
  do {                                                                       \
    int tries_ = 2000;                                                       \
    while (!(condition)) {                                                   \
      if (--tries_ == 0) fail("line %d: never happened: %s", __LINE__, #condition); \
      pause_ms(10);                                                          \
    }                                                                        \
  } while (0)

void equal_long(long long actual, long long expected, const char *what, int line);
void same_text(const char *actual, const char *expected, const char *what, int line);
void pause_ms(int milliseconds);

/* Sends one command to the runner's proxy, and waits until it is done. */
void proxy(const char *word);

struct client *open_client(const char *address, int timeout_ms, const clientid_t *id);
void close_client(struct client *client);
void watch(zhandle_t *handle, int type, int state, const char *path, void *context);

/* The next watch event must be this one. */
void expect_event(struct client *client, int type, const char *path);

/* A path below root; the result lives until the eighth next call. */
const char *below(const char *root, const char *name);

void register_operations(void);
void register_sessions(void);

#endif
