/*
 * A disk that keeps only what was synced. Preloaded into the server, it lets every call through to
 * the files below QUOLL_SHIM_LIVE, and keeps in QUOLL_SHIM_DURABLE what a power cut would leave:
 *
 *   inodes/<inode>        bytes that reached the device: written by O_DSYNC, or fsynced since
 *   directories/<inode>/  names that reached the device, by fsync of the directory: a hard link
 *                         to inodes/<inode>, or a symbolic link to the other directory
 *
 * After a SIGKILL the test builds the data directory anew from there. The server meanwhile reads
 * its own writes from the page cache, as it would on a real disk. Nothing is kept in the memory of
 * the process, so that a kill between two instructions leaves a state a device could be in.
 *
 * A real device may also keep more than it must: QUOLL_SHIM_EARLY percent of the unsynced writes
 * and changes of directories survive at once, in no order.
 *
 * The file QUOLL_SHIM_ORDER, if there is one, holds a line "<action> <operation> <substring> <n>":
 * the n-th operation from now on a path with the substring fails with EIO or ENOSPC, or the process
 * is killed before it ("kill"), or in the middle of it ("tear": any subset of the sectors of a
 * durable write stays). The file is removed when the order is carried out.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR_BYTES 512
#define COPY_BYTES (1 << 20)

static const char *live;
static const char *durable;
static const char *order_path;
static int early_percent;
static unsigned dice;
/* One operation of the model at a time; the calls themselves run side by side. */
static pthread_mutex_t model = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...)                                                                    \
  static result (*real_##name)(__VA_ARGS__);                                                       \
  if (real_##name == NULL) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

static void fail(const char *what, const char *path) {
  dprintf(2, "shim: %s %s: %s\n", what, path, strerror(errno));
  _exit(99);
}

__attribute__((constructor)) static void start(void) {
  live = getenv("QUOLL_SHIM_LIVE");
  durable = getenv("QUOLL_SHIM_DURABLE");
  order_path = getenv("QUOLL_SHIM_ORDER");
  const char *early = getenv("QUOLL_SHIM_EARLY");
  const char *seed = getenv("QUOLL_SHIM_SEED");
  early_percent = early == NULL ? 0 : atoi(early);
  dice = seed == NULL ? 1 : (unsigned)strtoul(seed, NULL, 10);
}

static int is_live(const char *path) {
  size_t length = live == NULL ? 0 : strlen(live);
  return length > 0 && strncmp(path, live, length) == 0 &&
         (path[length] == '/' || path[length] == '\0');
}

/* The path behind a descriptor, if it is one of ours. */
static int live_path(int fd, char *path) {
  char link[64];
  int error = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  errno = error;
  if (length < 0) return 0;
  path[length] = '\0';
  return is_live(path);
}

static unsigned roll(unsigned below) {
  return (unsigned)rand_r(&dice) % below;
}

/* ---- what has reached the device ---- */

static void inode_path(char *path, ino_t inode) {
  snprintf(path, PATH_MAX, "%s/inodes/%lu", durable, (unsigned long)inode);
}

static int open_durable(ino_t inode) {
  REAL(int, open64, const char *, int, ...);
  char path[PATH_MAX];
  inode_path(path, inode);
  int fd = real_open64(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) fail("could not open", path);
  return fd;
}

static void put(int fd, const char *bytes, size_t length, off_t offset) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
  while (length > 0) {
    ssize_t written = real_pwrite64(fd, bytes, length, offset);
    if (written <= 0) fail("could not write", durable);
    bytes += written;
    length -= (size_t)written;
    offset += written;
  }
}

static ino_t inode_of(int fd) {
  struct stat stats;
  if (fstat(fd, &stats) != 0) fail("could not stat", "a descriptor");
  return stats.st_ino;
}

static void keep_range(int fd, const char *bytes, size_t length, off_t offset) {
  int target = open_durable(inode_of(fd));
  put(target, bytes, length, offset);
  close(target);
}

/* Any sectors of the write may have reached the device when the power goes. */
static void keep_some_sectors(int fd, const char *bytes, size_t length, off_t offset) {
  int target = open_durable(inode_of(fd));
  size_t at = 0;
  while (at < length) {
    size_t end = at + SECTOR_BYTES - (size_t)((offset + (off_t)at) % SECTOR_BYTES);
    if (end > length) end = length;
    if (roll(2) == 0) put(target, bytes + at, end - at, offset + (off_t)at);
    at = end;
  }
  close(target);
}

static void keep_file(int fd) {
  REAL(ssize_t, pread64, int, void *, size_t, off_t);
  static char block[COPY_BYTES];
  int target = open_durable(inode_of(fd));
  off_t at = 0;
  for (;;) {
    ssize_t length = real_pread64(fd, block, sizeof block, at);
    if (length < 0) fail("could not read", "a file");
    if (length == 0) break;
    put(target, block, (size_t)length, at);
    at += length;
  }
  if (ftruncate(target, at) != 0) fail("could not cut", "a file");
  close(target);
}

static void directory_path(char *path, ino_t inode) {
  snprintf(path, PATH_MAX, "%s/directories/%lu", durable, (unsigned long)inode);
}

/* Replaces the name, unless it stands for the same file already. */
static void keep_name(const char *target, const char *name, const struct stat *stats) {
  REAL(int, rename, const char *, const char *);
  REAL(int, link, const char *, const char *);
  REAL(int, symlink, const char *, const char *);
  char entry[PATH_MAX + 300], fresh[PATH_MAX + 300], source[PATH_MAX];
  struct stat known, wanted;
  snprintf(entry, sizeof entry, "%s/%s", target, name);
  snprintf(fresh, sizeof fresh, "%s/.fresh", target);
  if (S_ISDIR(stats->st_mode)) {
    snprintf(source, sizeof source, "../%lu", (unsigned long)stats->st_ino);
    if (lstat(entry, &known) == 0) return;
    if (real_symlink(source, entry) != 0) fail("could not link", entry);
    return;
  }
  inode_path(source, stats->st_ino);
  /* A file whose name is durable and whose bytes are not is an empty one. */
  if (lstat(source, &wanted) != 0) close(open_durable(stats->st_ino));
  if (lstat(source, &wanted) != 0) fail("could not stat", source);
  if (lstat(entry, &known) == 0 && known.st_ino == wanted.st_ino) return;
  if (real_link(source, fresh) != 0) fail("could not link", fresh);
  if (real_rename(fresh, entry) != 0) fail("could not rename", fresh);
}

static void drop_missing(const char *source, const char *target) {
  REAL(int, unlink, const char *);
  char path[PATH_MAX + 300];
  struct stat stats;
  DIR *directory = opendir(target);
  if (directory == NULL) fail("could not list", target);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", source, entry->d_name);
    if (lstat(path, &stats) == 0) continue;
    snprintf(path, sizeof path, "%s/%s", target, entry->d_name);
    if (real_unlink(path) != 0) fail("could not remove", path);
  }
  closedir(directory);
}

static void keep_directory(const char *source) {
  char path[PATH_MAX + 300], target[PATH_MAX];
  struct stat stats;
  DIR *directory = opendir(source);
  if (directory == NULL) fail("could not list", source);
  directory_path(target, inode_of(dirfd(directory)));
  if (mkdir(target, 0700) != 0 && errno != EEXIST) fail("could not make", target);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", source, entry->d_name);
    /* Sockets live in memory: the claims of running processes. */
    if (lstat(path, &stats) != 0 || !(S_ISREG(stats.st_mode) || S_ISDIR(stats.st_mode))) continue;
    keep_name(target, entry->d_name, &stats);
  }
  closedir(directory);
  drop_missing(source, target);
}

static void keep_parent(const char *path) {
  char parent[PATH_MAX];
  snprintf(parent, sizeof parent, "%s", path);
  char *slash = strrchr(parent, '/');
  if (slash == NULL) return;
  *slash = '\0';
  if (is_live(parent)) keep_directory(parent);
}

/* A change of a directory without a sync: lost, unless the dice say otherwise. */
static void name_changed(const char *path) {
  int error = errno;
  if (early_percent > 0 && (int)roll(100) < early_percent) keep_parent(path);
  errno = error;
}

/* ---- orders ---- */

enum action { NOTHING, INJECT, TEAR };

static int find_order(char *action, char *operation, char *part, int *skip) {
  REAL(int, open64, const char *, int, ...);
  REAL(ssize_t, read, int, void *, size_t);
  char text[512];
  if (order_path == NULL) return 0;
  int fd = real_open64(order_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = real_read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = '\0';
  return sscanf(text, "%15s %15s %127s %d", action, operation, part, skip) == 4;
}

/* Called with the model locked, before the operation: what is to become of it. */
static enum action consult(const char *operation, const char *path) {
  REAL(int, unlink, const char *);
  static int seen;
  char action[16], wanted[16], part[128];
  int skip, error = errno;
  int found = find_order(action, wanted, part, &skip);
  errno = error;
  if (!found) return NOTHING;
  if (strcmp(wanted, "any") != 0 && strcmp(wanted, operation) != 0) return NOTHING;
  if (strstr(path, part) == NULL || ++seen < skip) return NOTHING;
  seen = 0;
  real_unlink(order_path);
  dprintf(2, "shim: %s at %s of %s\n", action, operation, path);
  if (strcmp(action, "kill") == 0) raise(SIGKILL);
  if (strcmp(action, "tear") == 0) return TEAR;
  errno = strcmp(action, "ENOSPC") == 0 ? ENOSPC : EIO;
  return INJECT;
}

/* ---- calls ---- */

int open64(const char *path, int flags, ...) {
  REAL(int, open64, const char *, int, ...);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (!(flags & O_CREAT) || !is_live(path)) return real_open64(path, flags, mode);
  REAL(int, unlink, const char *);
  struct stat stats;
  pthread_mutex_lock(&model);
  int was_there = lstat(path, &stats) == 0;
  int fd = consult("create", path) == NOTHING ? real_open64(path, flags, mode) : -1;
  if (fd >= 0 && !was_there) {
    /* The number may have belonged to a file that was removed: its bytes are not this one's. */
    char stale[PATH_MAX];
    inode_path(stale, inode_of(fd));
    real_unlink(stale);
    name_changed(path);
  }
  pthread_mutex_unlock(&model);
  return fd;
}

int open(const char *path, int flags, ...) __attribute__((alias("open64")));

static void written(int fd, const char *bytes, size_t length, off_t offset) {
  int error = errno;
  int is_durable = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
  if (is_durable || (int)roll(100) < early_percent) keep_range(fd, bytes, length, offset);
  errno = error;
}

/* True if the write may go on. */
static int before_write(int fd, const char *path, const char *bytes, size_t length, off_t offset) {
  int is_durable = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
  enum action action = consult(is_durable ? "dsync" : "write", path);
  if (action == TEAR) {
    keep_some_sectors(fd, bytes, length, offset);
    raise(SIGKILL);
  }
  return action == NOTHING;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
  char path[PATH_MAX];
  if (!live_path(fd, path)) return real_pwrite64(fd, bytes, length, offset);
  pthread_mutex_lock(&model);
  ssize_t result = -1;
  if (before_write(fd, path, bytes, length, offset)) {
    result = real_pwrite64(fd, bytes, length, offset);
    if (result > 0) written(fd, bytes, (size_t)result, offset);
  }
  pthread_mutex_unlock(&model);
  return result;
}

ssize_t pwrite(int, const void *, size_t, off_t) __attribute__((alias("pwrite64")));

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, pwritev64, int, const struct iovec *, int, off_t);
  char path[PATH_MAX];
  if (!live_path(fd, path)) return real_pwritev64(fd, parts, count, offset);
  size_t length = 0, at = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  char *bytes = malloc(length + 1);
  if (bytes == NULL) fail("out of memory for", path);
  for (int i = 0; i < count; i++) {
    memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
    at += parts[i].iov_len;
  }
  ssize_t result = pwrite64(fd, bytes, length, offset);
  free(bytes);
  return result;
}

ssize_t pwritev(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev64")));

static int synced(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  struct stat stats;
  if (!live_path(fd, path) || fstat(fd, &stats) != 0) return real(fd);
  int is_directory = S_ISDIR(stats.st_mode);
  pthread_mutex_lock(&model);
  int result = -1;
  if (consult(is_directory ? "dirsync" : "fsync", path) == NOTHING) {
    if (is_directory) keep_directory(path);
    else keep_file(fd);
    result = 0;
  }
  pthread_mutex_unlock(&model);
  return result;
}

int fsync(int fd) {
  REAL(int, fsync, int);
  return synced(fd, real_fsync);
}

int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  return synced(fd, real_fdatasync);
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  if (!is_live(to)) return real_rename(from, to);
  pthread_mutex_lock(&model);
  int result = consult("rename", to) == NOTHING ? real_rename(from, to) : -1;
  if (result == 0) name_changed(to);
  pthread_mutex_unlock(&model);
  return result;
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  if (!is_live(path)) return real_unlink(path);
  pthread_mutex_lock(&model);
  int result = consult("unlink", path) == NOTHING ? real_unlink(path) : -1;
  if (result == 0) name_changed(path);
  pthread_mutex_unlock(&model);
  return result;
}

/* Calls that the model does not know: better no answer than a wrong one. */

static void refuse(const char *call, int fd) {
  char path[PATH_MAX];
  if (!live_path(fd, path)) return;
  dprintf(2, "shim: the model does not know %s, of %s\n", call, path);
  _exit(98);
}

int ftruncate64(int fd, off_t length) {
  REAL(int, ftruncate64, int, off_t);
  refuse("ftruncate", fd);
  return real_ftruncate64(fd, length);
}

ssize_t sendfile64(int to, int from, off_t *offset, size_t count) {
  REAL(ssize_t, sendfile64, int, int, off_t *, size_t);
  refuse("sendfile", to);
  return real_sendfile64(to, from, offset, count);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  struct stat stats;
  if (fstat(fd, &stats) == 0 && S_ISREG(stats.st_mode)) refuse("write without a position", fd);
  return real_write(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  struct stat stats;
  if (fstat(fd, &stats) == 0 && S_ISREG(stats.st_mode)) refuse("writev without a position", fd);
  return real_writev(fd, parts, count);
}
