/* Reads and writes of the C client, synchronous and asynchronous. */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static struct ACL_vector *open_acl(void) {
  return &ZOO_OPEN_ACL_UNSAFE;
}

static void basics(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  zhandle_t *zk = client->handle;
  char path[300];
  char data[100];
  struct Stat stat;
  EQUAL(zoo_create2(zk, root, "one", 3, open_acl(), ZOO_PERSISTENT, path, sizeof path, &stat), 0);
  SAME_TEXT(path, root);
  EQUAL(stat.version, 0);
  EQUAL(stat.dataLength, 3);
  EQUAL(stat.czxid, stat.pzxid);
  EQUAL(zoo_create(zk, root, "", 0, open_acl(), 0, NULL, 0), ZNODEEXISTS);
  EQUAL(zoo_set2(zk, root, "three", 5, 0, &stat), 0);
  EQUAL(stat.version, 1);
  EQUAL(zoo_set(zk, root, "x", 1, 0), ZBADVERSION);
  int length = sizeof data;
  EQUAL(zoo_get(zk, root, 0, data, &length, &stat), 0);
  EQUAL(length, 5);
  TRUE(memcmp(data, "three", 5) == 0);
  EQUAL(zoo_set(zk, root, NULL, -1, -1), 0);
  length = sizeof data;
  EQUAL(zoo_get(zk, root, 0, data, &length, &stat), 0);
  EQUAL(length, -1);
  EQUAL(zoo_create(zk, below(root, "k"), "", 0, open_acl(), 0, NULL, 0), 0);
  EQUAL(zoo_delete(zk, root, -1), ZNOTEMPTY);
  EQUAL(zoo_delete(zk, below(root, "k"), 0), 0);
  EQUAL(zoo_exists(zk, root, 0, &stat), 0);
  EQUAL(stat.cversion, 2);
  EQUAL(zoo_delete(zk, root, 2), 0);
  EQUAL(zoo_exists(zk, root, 0, &stat), ZNONODE);
  EQUAL(zoo_get(zk, root, 0, data, &length, &stat), ZNONODE);
  close_client(client);
}

static void modes(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  zhandle_t *zk = client->handle;
  char path[300];
  struct Stat stat;
  EQUAL(zoo_create(zk, root, "", 0, open_acl(), ZOO_PERSISTENT, NULL, 0), 0);
  EQUAL(zoo_create2(zk, below(root, "e-"), "", 0, open_acl(), ZOO_EPHEMERAL_SEQUENTIAL, path,
                    sizeof path, &stat), 0);
  SAME_TEXT(path, below(root, "e-0000000000"));
  EQUAL(stat.ephemeralOwner, zoo_client_id(zk)->client_id);
  EQUAL(zoo_create(zk, below(root, "s"), "", 0, open_acl(), ZOO_PERSISTENT_SEQUENTIAL, path,
                   sizeof path), 0);
  SAME_TEXT(path, below(root, "s0000000001"));
  EQUAL(zoo_create2(zk, below(root, "c"), "", 0, open_acl(), ZOO_CONTAINER, path, sizeof path,
                    &stat), 0);
  EQUAL(stat.ephemeralOwner, 0);
  EQUAL(zoo_create2_ttl(zk, below(root, "t"), "", 0, open_acl(), ZOO_PERSISTENT_WITH_TTL, 60000,
                        path, sizeof path, &stat), 0);
  EQUAL(zoo_create2_ttl(zk, below(root, "t"), "", 0, open_acl(),
                        ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60000, path, sizeof path, &stat), 0);
  SAME_TEXT(path, below(root, "t0000000004"));
  struct String_vector children;
  EQUAL(zoo_get_children2(zk, root, 0, &children, &stat), 0);
  EQUAL(children.count, 5);
  EQUAL(stat.numChildren, 5);
  deallocate_String_vector(&children);
  const char *names[] = {"e-0000000000", "s0000000001", "c", "t", "t0000000004"};
  for (int i = 0; i < 5; i++) EQUAL(zoo_delete(zk, below(root, names[i]), -1), 0);
  EQUAL(zoo_delete(zk, root, -1), 0);
  close_client(client);
}

#define PIPELINE 2000

struct pipeline {
  int next;
  int wrong;
};

static struct pipeline pipeline;

static void set_done(int code, const struct Stat *stat, const void *context) {
  int number = (int)(long)context;
  if (code != ZOK || number != pipeline.next || stat->version != number + 1) pipeline.wrong += 1;
  __atomic_add_fetch(&pipeline.next, 1, __ATOMIC_RELEASE);
}

static void pipelined(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  zhandle_t *zk = client->handle;
  pipeline = (struct pipeline){0, 0};
  EQUAL(zoo_create(zk, root, "", 0, open_acl(), ZOO_PERSISTENT, NULL, 0), 0);
  for (long i = 0; i < PIPELINE; i++) {
    char data[20];
    int length = snprintf(data, sizeof data, "%ld", i);
    EQUAL(zoo_aset(zk, root, data, length, (int)i, set_done, (void *)i), 0);
  }
  EVENTUALLY(__atomic_load_n(&pipeline.next, __ATOMIC_ACQUIRE) == PIPELINE);
  EQUAL(pipeline.wrong, 0);
  EQUAL(zoo_delete(zk, root, PIPELINE), 0);
  close_client(client);
}

static void multi(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  zhandle_t *zk = client->handle;
  zoo_op_t ops[5];
  zoo_op_result_t results[5];
  char first[300];
  char second[300];
  struct Stat stat;
  struct Stat set;
  zoo_create_op_init(&ops[0], root, "a", 1, open_acl(), 0, first, sizeof first);
  zoo_create_op_init(&ops[1], below(root, "s-"), "", 0, open_acl(), ZOO_PERSISTENT_SEQUENTIAL,
                     second, sizeof second);
  zoo_set_op_init(&ops[2], root, "bb", 2, 0, &set);
  zoo_check_op_init(&ops[3], root, 1);
  zoo_delete_op_init(&ops[4], below(root, "s-0000000000"), -1);
  EQUAL(zoo_multi(zk, 5, ops, results), 0);
  SAME_TEXT(second, below(root, "s-0000000000"));
  EQUAL(set.version, 1);
  zoo_set_op_init(&ops[0], root, "ccc", 3, -1, &set);
  zoo_check_op_init(&ops[1], root, 7);
  zoo_delete_op_init(&ops[2], root, -1);
  EQUAL(zoo_multi(zk, 3, ops, results), ZBADVERSION);
  EQUAL(results[0].err, 0);
  EQUAL(results[1].err, ZBADVERSION);
  EQUAL(results[2].err, ZRUNTIMEINCONSISTENCY);
  EQUAL(zoo_exists(zk, root, 0, &stat), 0);
  EQUAL(stat.version, 1);
  EQUAL(stat.dataLength, 2);
  EQUAL(zoo_delete(zk, root, 1), 0);
  close_client(client);
}

static int auth_code = 1;

static void auth_done(int code, const void *context) {
  (void)context;
  __atomic_store_n(&auth_code, code, __ATOMIC_RELEASE);
}

static void access_control(const char *root) {
  struct client *owner = open_client(server_address, 15000, NULL);
  struct client *stranger = open_client(server_address, 15000, NULL);
  auth_code = 1;
  EQUAL(zoo_add_auth(owner->handle, "digest", "bob:pw", 6, auth_done, NULL), 0);
  EVENTUALLY(__atomic_load_n(&auth_code, __ATOMIC_ACQUIRE) == 0);
  EQUAL(zoo_create(owner->handle, root, "s", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), 0);
  char data[10];
  int length = sizeof data;
  struct Stat stat;
  EQUAL(zoo_get(stranger->handle, root, 0, data, &length, &stat), ZNOAUTH);
  EQUAL(zoo_set(stranger->handle, root, "", 0, -1), ZNOAUTH);
  struct ACL_vector acl;
  EQUAL(zoo_get_acl(owner->handle, root, &acl, &stat), 0);
  EQUAL(acl.count, 1);
  SAME_TEXT(acl.data[0].id.scheme, "digest");
  SAME_TEXT(acl.data[0].id.id, "bob:ikIaKsbtGweaHnb/jKn7OHqbunM=");
  deallocate_ACL_vector(&acl);
  EQUAL(zoo_set_acl(owner->handle, root, 0, &ZOO_READ_ACL_UNSAFE), 0);
  length = sizeof data;
  EQUAL(zoo_get(stranger->handle, root, 0, data, &length, &stat), 0);
  EQUAL(stat.aversion, 1);
  EQUAL(zoo_delete(stranger->handle, root, -1), 0);
  close_client(stranger);
  close_client(owner);
}

static char synced_path[300];

static void sync_done(int code, const char *path, const void *context) {
  (void)context;
  snprintf(synced_path, sizeof synced_path, "%d %s", code, code == 0 ? path : "");
}

static void sync_and_config(const char *root) {
  struct client *client = open_client(server_address, 15000, NULL);
  synced_path[0] = '\0';
  EQUAL(zoo_async(client->handle, root, sync_done, NULL), 0);
  EVENTUALLY(synced_path[0] != '\0');
  char expected[300];
  snprintf(expected, sizeof expected, "0 %s", root);
  SAME_TEXT(synced_path, expected);
  char config[4000];
  int length = sizeof config;
  struct Stat stat;
  EQUAL(zoo_getconfig(client->handle, 0, config, &length, &stat), 0);
  EQUAL(zoo_set(client->handle, "/zookeeper/config", "", 0, -1), ZNOAUTH);
  close_client(client);
}

void register_operations(void) {
  add_check("create, set, get, exists and delete, with Stats and codes", basics);
  add_check("every create mode: sequential, ephemeral, container, TTL", modes);
  add_check("two thousand pipelined sets are answered in order", pipelined);
  add_check("multi: all or nothing, with a code for each operation", multi);
  add_check("digest authentication and ACLs", access_control);
  add_check("sync and the configuration node", sync_and_config);
}
