/* zkload: before and after the load, over blocking sockets: connecting, sessions, keys. */
#ifndef ZKLOAD_SETUP_H
#define ZKLOAD_SETUP_H

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zkload.h"
static int connect_to(const char *host_port) {
  char host[128];
  snprintf(host, sizeof host, "%s", host_port);
  char *colon = strrchr(host, ':');
  if (!colon) fail(2, "%s: expected HOST:PORT", host_port);
  *colon = 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
  const char *ip = strcmp(host, "localhost") ? host : "127.0.0.1";
  if (inet_pton(AF_INET, ip, &address.sin_addr) != 1) fail(2, "%s: not an IPv4 address", host);
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (void *)&address, sizeof address)) fail_errno("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}
static void write_all(Connection *c) {
  while (c->out.start < c->out.end) {
    ssize_t n = write(c->fd, c->out.bytes + c->out.start, c->out.end - c->out.start);
    if (n <= 0) fail_errno("write");
    c->out.start += n;
  }
}
static void read_all(int fd, uint8_t *bytes, size_t length) {
  while (length) {
    ssize_t n = read(fd, bytes, length);
    if (n == 0) fail(3, "server closed a connection during setup");
    if (n < 0) fail_errno("read");
    bytes += n;
    length -= n;
  }
}
/* A reply that is a header and nothing else may be an error; one with a body is none. */
static int read_reply(int fd) {
  uint8_t head[4];
  read_all(fd, head, 4);
  uint32_t length = get_u32(head);
  if (length > FRAME_BYTES_MAX) fail(2, "a reply of %u bytes", length);
  uint8_t *body = malloc(length + 1);
  read_all(fd, body, length);
  int err = length == 16 ? (int)get_u32(body + 12) : 0;
  free(body);
  return err;
}
static void open_session(Connection *c) {
  static const uint8_t no_password[16];
  size_t body = begin_frame(&c->out, 1);
  put_i32(&c->out, 0);
  put_i64(&c->out, 0);
  put_i32(&c->out, options.session_timeout_ms);
  put_i64(&c->out, 0);
  put_bytes(&c->out, no_password, sizeof no_password);
  put_u8(&c->out, 0);
  end_frame(&c->out, body);
  write_all(c);
  read_reply(c->fd);
}
static void open_connections(void) {
  connections = calloc(options.connections, sizeof *connections);
  if (!connections) fail(2, "out of memory");
  for (int i = 0; i < options.connections; i++) {
    Connection *c = &connections[i];
    c->id = i;
    c->fd = connect_to(options.hosts[i % options.host_count]);
    if (!options.echo) open_session(c);
  }
}
static int key_exists(Connection *c, int key) {
  size_t body = begin_frame(&c->out, 1);
  put_i32(&c->out, 1);
  put_i32(&c->out, OP_EXISTS);
  put_key_path(&c->out, key);
  put_u8(&c->out, 0);
  end_frame(&c->out, body);
  write_all(c);
  return read_reply(c->fd) == 0;
}
static void create_root(Connection *c) {
  size_t body = begin_frame(&c->out, 1);
  put_i32(&c->out, 1);
  put_i32(&c->out, OP_CREATE);
  put_string(&c->out, options.root);
  put_create_tail(&c->out, 0, PERSISTENT);
  end_frame(&c->out, body);
  write_all(c);
  int err = read_reply(c->fd);
  if (err && err != ERR_NODE_EXISTS) fail(2, "creating %s: error %d", options.root, err);
}
static int send_creates(Connection *c, int key) {
  size_t body = begin_frame(&c->out, SETUP_OPS_PER_MULTI);
  put_i32(&c->out, 1);
  put_i32(&c->out, OP_MULTI);
  for (int i = 0; i < SETUP_OPS_PER_MULTI && key < options.keys; i++, key++) {
    put_multi_header(&c->out, OP_CREATE, 0);
    put_key_path(&c->out, key);
    put_create_tail(&c->out, options.value_bytes, PERSISTENT);
  }
  put_multi_header(&c->out, -1, 1);
  end_frame(&c->out, body);
  write_all(c);
  return key;
}
/* A multi whose keys are there already fails as a whole, which does no harm; what counts is that
 * the last key exists at the end. */
static void create_keys(Connection *c) {
  create_root(c);
  if (key_exists(c, options.keys - 1)) return;
  int in_flight = 0;
  for (int key = 0; key < options.keys;) {
    key = send_creates(c, key);
    if (++in_flight == SETUP_MULTIS_IN_FLIGHT) read_reply(c->fd), in_flight--;
  }
  while (in_flight--) read_reply(c->fd);
  if (!key_exists(c, options.keys - 1)) fail(2, "could not create the keys");
}
static void close_sessions(void) {
  for (int i = 0; i < options.connections; i++) {
    Connection *c = &connections[i];
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) & ~O_NONBLOCK);
    c->out.start = c->out.end;
    size_t body = begin_frame(&c->out, 1);
    put_i32(&c->out, XID_CLOSE);
    put_i32(&c->out, OP_CLOSE_SESSION);
    end_frame(&c->out, body);
    if (!options.echo && write(c->fd, c->out.bytes + c->out.start, c->out.end - c->out.start) < 0)
      continue;
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
  }
}

#endif
