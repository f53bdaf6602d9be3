/* zkload: what its parts share: options, connections, the clock, and the encoding of frames. */
#ifndef ZKLOAD_H
#define ZKLOAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { DEPTH_MAX = 4096, HOSTS_MAX = 64, KEYS_MAX = 10000000, READ_BYTES = 1 << 20 };
enum { SETUP_OPS_PER_MULTI = 50, SETUP_MULTIS_IN_FLIGHT = 32, OPS_PER_MULTI = 10 };
enum { REQUEST_OVERHEAD = 512, ROOT_BYTES_MAX = 200, FRAME_BYTES_MAX = 64 << 20 };
enum { BUCKETS_PER_OCTAVE = 1024, BUCKETS = 1 << 16 };

enum Opcode {
  OP_CREATE = 1, OP_DELETE = 2, OP_EXISTS = 3, OP_GET_DATA = 4, OP_SET_DATA = 5,
  OP_GET_CHILDREN = 8, OP_PING = 11, OP_MULTI = 14, OP_CLOSE_SESSION = -11
};
enum Xid { XID_PING = -2, XID_CLOSE = 0x7fffffff };
enum Err { ERR_NODE_EXISTS = -110 };
enum CreateFlags { PERSISTENT = 0, EPHEMERAL = 1 };
enum ReadOp { READ_GET, READ_EXISTS, READ_LS, READ_PING };
enum WriteOp { WRITE_SET, WRITE_CREATE, WRITE_CREATE_DELETE, WRITE_MULTI };

typedef struct {
  int connections, depth, read_percent, keys, value_bytes, session_timeout_ms;
  double measured_s, warmup_s;
  uint64_t ops_max, interval_us;
  enum ReadOp read_op;
  enum WriteOp write_op;
  const char *root, *log_path;
  int setup_only, quiet, watch, echo;
  const char *hosts[HOSTS_MAX];
  int host_count;
} Options;

/* Bytes [start, end) are still to be used. */
typedef struct { uint8_t *bytes; size_t start, end, capacity; } Buffer;

/* Replies come in the order of the requests, so a ring of send times is enough. */
typedef struct {
  int fd, id, wants_write;
  uint32_t sent, answered;
  uint64_t sent_at_ns[DEPTH_MAX];
  uint64_t due_at_ns;
  uint64_t names_made, pending_delete;
  Buffer out, in;
} Connection;

static Options options = {
  .connections = 64, .depth = 16, .read_percent = 100, .keys = 1000, .value_bytes = 100,
  .session_timeout_ms = 30000, .measured_s = 5, .warmup_s = 2, .root = "/zkload",
};
static Connection *connections;
static uint8_t *value;

static void fail(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("zkload: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(status);
}
static void fail_errno(const char *what) { fail(2, "%s: %s", what, strerror(errno)); }

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
/* xorshift64: the same keys in the same order in every run. */
static uint64_t next_random(void) {
  static uint64_t state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* ---- encoding ---- */

static void reserve(Buffer *buffer, size_t bytes) {
  if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
  if (buffer->end + bytes <= buffer->capacity) return;
  memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
  buffer->end -= buffer->start;
  buffer->start = 0;
  if (buffer->end + bytes <= buffer->capacity) return;
  buffer->capacity = (buffer->end + bytes) * 2;
  buffer->bytes = realloc(buffer->bytes, buffer->capacity);
  if (!buffer->bytes) fail(2, "out of memory");
}
static uint32_t get_u32(const uint8_t *bytes) {
  uint32_t v;
  memcpy(&v, bytes, 4);
  return ntohl(v);
}
static void put_u8(Buffer *b, uint8_t v) { b->bytes[b->end++] = v; }
static void put_i32(Buffer *b, uint32_t v) {
  v = htonl(v);
  memcpy(b->bytes + b->end, &v, 4);
  b->end += 4;
}
static void put_i64(Buffer *b, uint64_t v) {
  put_i32(b, v >> 32);
  put_i32(b, (uint32_t)v);
}
static void put_bytes(Buffer *b, const void *bytes, size_t length) {
  put_i32(b, length);
  memcpy(b->bytes + b->end, bytes, length);
  b->end += length;
}
static void put_string(Buffer *b, const char *s) { put_bytes(b, s, strlen(s)); }
static void put_open_acl(Buffer *b) {
  put_i32(b, 1);
  put_i32(b, 31);
  put_string(b, "world");
  put_string(b, "anyone");
}
/* Seven digits by hand: printf would be the dearest thing in the loop. */
static void put_key_path(Buffer *b, int key) {
  char path[ROOT_BYTES_MAX + 16];
  size_t length = strlen(options.root);
  memcpy(path, options.root, length);
  memcpy(path + length, "/k", 2);
  for (int i = 6; i >= 0; i--, key /= 10) path[length + 2 + i] = '0' + key % 10;
  put_bytes(b, path, length + 9);
}
static void put_multi_header(Buffer *b, int opcode, int done) {
  put_i32(b, opcode);
  put_u8(b, done);
  put_i32(b, -1);
}
static void put_create_tail(Buffer *b, int value_bytes, int flags) {
  put_bytes(b, value, value_bytes);
  put_open_acl(b);
  put_i32(b, flags);
}
static void put_set_tail(Buffer *b) {
  put_bytes(b, value, options.value_bytes);
  put_i32(b, -1);
}

/* The length is patched in when the frame ends. */
static size_t begin_frame(Buffer *b, int ops_inside) {
  reserve(b, (size_t)ops_inside * (options.value_bytes + REQUEST_OVERHEAD));
  put_i32(b, 0);
  return b->end;
}
static void end_frame(Buffer *b, size_t body) {
  uint32_t length = htonl(b->end - body);
  memcpy(b->bytes + body - 4, &length, 4);
}


#endif
