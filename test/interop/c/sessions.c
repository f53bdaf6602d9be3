/* Watches and sessions of the C client: cut, resumed, moved, expired. */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static int make(struct client *client, const char *path, int mode) {
  return zoo_create(client->handle, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0);
}

static void one_shot(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  struct client *other = open_client(server_address, 15000, NULL);
  struct Stat stat;
  char data[10];
  int length = sizeof data;
  struct String_vector children;
  EQUAL(zoo_wexists(client->handle, root, watch, client, &stat), ZNONODE);
  EQUAL(make(other, root, 0), 0);
  expect_event(client, ZOO_CREATED_EVENT, root);
  EQUAL(zoo_wget(client->handle, root, watch, client, data, &length, &stat), 0);
  EQUAL(zoo_wget_children(client->handle, root, watch, client, &children), 0);
  deallocate_String_vector(&children);
  EQUAL(zoo_set(other->handle, root, "1", 1, -1), 0);
  EQUAL(zoo_set(other->handle, root, "2", 1, -1), 0);
  EQUAL(make(other, below(root, "k"), 0), 0);
  expect_event(client, ZOO_CHANGED_EVENT, root);
  expect_event(client, ZOO_CHILD_EVENT, root);
  EQUAL(zoo_wexists(client->handle, below(root, "k"), watch, client, &stat), 0);
  EQUAL(zoo_delete(other->handle, below(root, "k"), -1), 0);
  expect_event(client, ZOO_DELETED_EVENT, below(root, "k"));
  EQUAL(zoo_delete(other->handle, root, -1), 0);
  EQUAL(zoo_exists(client->handle, root, 0, &stat), ZNONODE);
  EQUAL(client->event_count, 4);
  close_client(other);
  close_client(client);
}

static void removal(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  struct client *other = open_client(server_address, 15000, NULL);
  struct Stat stat;
  char data[10];
  int length = sizeof data;
  EQUAL(make(client, root, 0), 0);
  EQUAL(zoo_wget(client->handle, root, watch, client, data, &length, &stat), 0);
  EQUAL(zoo_remove_watches(client->handle, root, ZWATCHTYPE_DATA, watch, client, 0), 0);
  EQUAL(zoo_remove_watches(client->handle, root, ZWATCHTYPE_DATA, watch, client, 0), ZNOWATCHER);
  int before = client->event_count;
  EQUAL(zoo_set(other->handle, root, "1", 1, -1), 0);
  EQUAL(zoo_exists(client->handle, root, 0, &stat), 0);
  EQUAL(client->event_count, before);
  EQUAL(zoo_delete(other->handle, root, -1), 0);
  close_client(other);
  close_client(client);
}

/* The C client sends setWatches with xid -8, before anything else on the new connection. */
static void reconnection(const char *root) {
  struct client *client = open_client(proxy_address, 15000, NULL);
  struct client *other = open_client(server_address, 15000, NULL);
  struct Stat stat;
  char data[10];
  int length = sizeof data;
  struct String_vector children;
  EQUAL(make(other, root, 0), 0);
  EQUAL(make(client, below(root, "e"), ZOO_EPHEMERAL), 0);
  EQUAL(zoo_wget(client->handle, root, watch, client, data, &length, &stat), 0);
  EQUAL(zoo_wget_children(client->handle, root, watch, client, &children), 0);
  deallocate_String_vector(&children);
  EQUAL(zoo_wexists(client->handle, below(root, "born"), watch, client, &stat), ZNONODE);
  EQUAL(zoo_wexists(client->handle, below(root, "later"), watch, client, &stat), ZNONODE);
  int64_t session = zoo_client_id(client->handle)->client_id;
  proxy("refuse");
  EVENTUALLY(client->lost_count > 0);
  EQUAL(zoo_set(other->handle, root, "1", 1, -1), 0);
  EQUAL(make(other, below(root, "born"), 0), 0);
  proxy("accept");
  EVENTUALLY(client->event_count == 3);
  int types = 0;
  for (int i = 0; i < 3; i++) types |= 1 << client->events[i].type;
  EQUAL(types, 1 << ZOO_CHANGED_EVENT | 1 << ZOO_CHILD_EVENT | 1 << ZOO_CREATED_EVENT);
  client->events_taken = 3;
  EQUAL(make(other, below(root, "later"), 0), 0);
  expect_event(client, ZOO_CREATED_EVENT, below(root, "later"));
  EQUAL(zoo_client_id(client->handle)->client_id, session);
  EQUAL(zoo_exists(other->handle, below(root, "e"), 0, &stat), 0);
  EQUAL(stat.ephemeralOwner, session);
  for (int i = 0; i < 3; i++) {
    int connected = client->connected_count;
    proxy("cut");
    EVENTUALLY(client->connected_count > connected);
  }
  EQUAL(zoo_client_id(client->handle)->client_id, session);
  close_client(client);
  EQUAL(zoo_exists(other->handle, below(root, "e"), 0, &stat), ZNONODE);
  EQUAL(zoo_delete(other->handle, below(root, "born"), -1), 0);
  EQUAL(zoo_delete(other->handle, below(root, "later"), -1), 0);
  EQUAL(zoo_delete(other->handle, root, -1), 0);
  close_client(other);
}

static void moved(const char *root) {
  struct client *first = open_client(server_address, 15000, NULL);
  EQUAL(make(first, root, ZOO_EPHEMERAL), 0);
  clientid_t id = *zoo_client_id(first->handle);
  struct client *second = open_client(server_address, 15000, &id);
  EQUAL(zoo_client_id(second->handle)->client_id, id.client_id);
  struct Stat stat;
  EQUAL(zoo_exists(second->handle, root, 0, &stat), 0);
  EQUAL(stat.ephemeralOwner, id.client_id);
  EVENTUALLY(first->lost_count > 0);
  close_client(first);
  close_client(second);
  struct client *other = open_client(server_address, 15000, NULL);
  EQUAL(zoo_exists(other->handle, root, 0, &stat), ZNONODE);
  close_client(other);
}

static void expiry(const char *root) {
  struct client *client = open_client(proxy_address, 4000, NULL);
  struct client *other = open_client(server_address, 15000, NULL);
  struct Stat stat;
  EQUAL(zoo_recv_timeout(client->handle), 4000);
  EQUAL(make(client, root, ZOO_EPHEMERAL), 0);
  EQUAL(zoo_wexists(other->handle, root, watch, other, &stat), 0);
  proxy("refuse");
  expect_event(other, ZOO_DELETED_EVENT, root);
  proxy("accept");
  EVENTUALLY(client->expired_count > 0);
  EQUAL(zoo_exists(client->handle, root, 0, &stat), ZINVALIDSTATE);
  close_client(client);
  clientid_t wrong = *zoo_client_id(other->handle);
  memset(wrong.passwd, 7, sizeof wrong.passwd);
  struct client *thief = open_client(server_address, 15000, &wrong);
  EQUAL(thief->expired_count, 1);
  close_client(thief);
  close_client(other);
}

void register_sessions(void) {
  add_check("watches: exists, data, children, deletion", one_shot);
  add_check("watches are removed on request", removal);
  add_check("cut connections: session, ephemerals and watches stay, missed changes are told",
            reconnection);
  add_check("a session moves to another handle by its id and password", moved);
  add_check("a silent session expires; a wrong password is refused", expiry);
}
