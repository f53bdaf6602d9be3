"""Reads, writes, versions, ephemerals, sequences, transactions, ACLs, and four-letter words."""
from kazoo import exceptions as zke
from kazoo.security import ACL, CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, Id, make_acl, make_digest_acl

from harness import Clients, check, client, equal, eventually, in_threads, raises


@check("create, get, set, exists and delete a node, with the Stat that ZooKeeper gives")
def crud(root):
    with Clients() as zk:
        zk.create(root, b"")
        path, stat = zk.create(root + "/a", b"one", include_data=True)
        equal(path, root + "/a")
        equal((stat.version, stat.data_length, stat.numChildren), (0, 3, 0))
        equal(stat.czxid, stat.mzxid, "czxid")
        equal(zk.get(root + "/a")[0], b"one")
        changed = zk.set(root + "/a", b"two!")
        equal((changed.version, changed.dataLength), (1, 4))
        assert changed.mzxid > changed.czxid
        equal(zk.exists(root + "/a").version, 1)
        parent = zk.exists(root)
        equal((parent.cversion, parent.numChildren, parent.version), (1, 1, 0))
        equal(parent.pzxid, changed.czxid, "pzxid of the parent")
        zk.delete(root + "/a")
        equal(zk.exists(root + "/a"), None)
        equal(zk.exists(root).cversion, 2)
        raises(zke.NoNodeError, zk.get, root + "/a")
        zk.delete(root, recursive=True)


@check("errors have their own kinds: exists, missing, not empty, bad version")
def errors(root):
    with Clients() as zk:
        zk.create(root, b"x")
        zk.create(root + "/child")
        raises(zke.NodeExistsError, zk.create, root)
        raises(zke.NoNodeError, zk.create, root + "/no/way")
        raises(zke.NotEmptyError, zk.delete, root)
        raises(zke.BadVersionError, zk.set, root, b"y", version=7)
        raises(zke.BadVersionError, zk.delete, root + "/child", version=3)
        raises(zke.NoNodeError, zk.set, root + "/none", b"")
        raises(zke.NoNodeError, zk.get_children, root + "/none")
        zk.delete(root, recursive=True)


@check("data of every size up to nearly 1 MiB comes back unchanged; bigger is refused")
def sizes(root):
    with Clients() as zk:
        zk.create(root)
        for size in (0, 1, 127, 4096, 65535, 65536, 500_000, 1_048_000):
            data = bytes((i * 31 + size) & 255 for i in range(min(size, 1024)))
            data = (data * (size // 1024 + 1))[:size]
            zk.set(root, data)
            got, stat = zk.get(root)
            equal(stat.dataLength, size)
            assert got == data, "data of %d bytes changed" % size
        raises((zke.ConnectionLoss, zke.ZookeeperError), zk.set, root, b"x" * 1_100_000)
        eventually(lambda: zk.connected, "reconnected after the refusal")
        equal(zk.retry(zk.exists, root).dataLength, 1_048_000)
        zk.retry(zk.delete, root)


@check("names in every script, paths deep and wide, children listed completely")
def names(root):
    with Clients() as zk:
        deep = root + "/d" * 60
        zk.ensure_path(deep)
        assert zk.exists(deep)
        wide = ["ünï", "日本語", "ελληνικά", "a b", "x" * 500]
        wide += ["n%04d" % i for i in range(1500)]
        zk.create(root + "/wide")
        pending = [zk.create_async(root + "/wide/" + name, name.encode()) for name in wide]
        for result in pending:
            result.get(timeout=30)
        equal(sorted(zk.get_children(root + "/wide")), sorted(wide))
        children, stat = zk.get_children(root + "/wide", include_data=True)
        equal((len(children), stat.numChildren), (len(wide), len(wide)))
        equal(zk.get(root + "/wide/日本語")[0].decode(), "日本語")
        zk.delete(root, recursive=True)


@check("sequence nodes get unique, growing numbers from several clients at once")
def sequences(root):
    with Clients(4) as clients:
        clients[0].create(root)
        got = [[] for _ in clients]

        def make(index):
            for _ in range(50):
                got[index].append(clients[index].create(root + "/s-", sequence=True))

        in_threads(4, make)
        numbers = [[int(path[-10:]) for path in paths] for paths in got]
        for own in numbers:
            equal(own, sorted(own), "one client's numbers")
        equal(sorted(n for own in numbers for n in own), list(range(200)))
        assert clients[0].create(root + "/", sequence=True) == root + "/0000000200"
        clients[0].delete(root, recursive=True)


@check("ephemerals belong to their session and go with it")
def ephemerals(root):
    with Clients() as zk:
        other = client()
        zk.create(root)
        path = other.create(root + "/e-", b"here", ephemeral=True, sequence=True)
        equal(zk.exists(path).ephemeralOwner, other.client_id[0])
        raises(zke.NoChildrenForEphemeralsError, other.create, path + "/child")
        other.stop()
        equal(zk.exists(path), None)
        equal(zk.get_children(root), [])
        zk.delete(root)


@check("a session nobody heard of again expires, and its ephemerals go")
def expiry(root):
    with Clients() as zk:
        zk.create(root)
        other = client(timeout=4.0)
        other.create(root + "/e", ephemeral=True)
        owner = other.client_id
        # The same session opened twice: closing the second connection ends the session for both.
        twin = client(client_id=owner, timeout=4.0)
        equal(twin.client_id[0], owner[0], "session id after re-attaching")
        lost = []
        other.add_listener(lost.append)
        twin.stop()
        eventually(lambda: zk.exists(root + "/e") is None, "the ephemeral is gone")
        eventually(lambda: "LOST" in lost, "the first client is told of the expiry")
        other.stop()
        zk.delete(root)


@check("transactions: all or nothing, with a result for each operation")
def transactions(root):
    with Clients() as zk:
        zk.create(root, b"v0")
        t = zk.transaction()
        t.create(root + "/a", b"1")
        t.create(root + "/a/b", b"2", ephemeral=True)
        t.create(root + "/a/s-", sequence=True)
        t.set_data(root, b"v1")
        t.check(root, version=1)
        results = t.commit()
        equal(results[:3], [root + "/a", root + "/a/b", root + "/a/s-0000000001"])
        equal((results[3].version, results[4]), (1, True))
        stats = [zk.exists(root + p).czxid for p in ("/a", "/a/b")]
        equal(stats[0], stats[1], "one zxid for the whole transaction")
        t = zk.transaction()
        t.create(root + "/c")
        t.check(root, version=99)
        t.delete(root + "/a/b")
        results = t.commit()
        equal([type(r) for r in results],
              [zke.RolledBackError, zke.BadVersionError, zke.RuntimeInconsistency])
        equal(zk.exists(root + "/c"), None)
        assert zk.exists(root + "/a/b")
        zk.delete(root, recursive=True)


@check("transactions from many clients keep a sum that no interleaving may change")
def transfers(root):
    with Clients(4) as clients:
        zk = clients[0]
        zk.create(root)
        for i in range(4):
            zk.create("%s/%d" % (root, i), b"100")

        def move(index):
            own = clients[index]
            done = 0
            while done < 25:
                source, target = "%s/%d" % (root, index), "%s/%d" % (root, (index + done + 1) % 4)
                if source == target:
                    target = "%s/%d" % (root, (index + 1) % 4)
                (a, sa), (b, sb) = own.get(source), own.get(target)
                t = own.transaction()
                t.set_data(source, b"%d" % (int(a) - 1), version=sa.version)
                t.set_data(target, b"%d" % (int(b) + 1), version=sb.version)
                done += all(not isinstance(r, Exception) for r in t.commit())

        in_threads(4, move)
        stats = [zk.get("%s/%d" % (root, i)) for i in range(4)]
        equal(sum(int(data) for data, _ in stats), 400, "the sum")
        equal(sum(stat.version for _, stat in stats), 200, "the number of changes")
        zk.delete(root, recursive=True)


@check("digest authentication and ACLs: who may read, write, create, delete, administer")
def acls(root):
    with Clients(2) as (zk, stranger):
        zk.add_auth("digest", "bob:pw")
        zk.create(root, b"secret", acl=CREATOR_ALL_ACL)
        acl, stat = zk.get_acls(root)
        equal(acl, [ACL(31, Id("digest", "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="))])
        for call, args in ((stranger.get, ()), (stranger.set, (b"",)), (stranger.get_children, ())):
            raises(zke.NoAuthError, call, root, *args)
        raises(zke.NoAuthError, stranger.create, root + "/x")
        zk.create(root + "/x")
        raises(zke.NoAuthError, stranger.delete, root + "/x")
        raises(zke.NoAuthError, stranger.set_acls, root, OPEN_ACL_UNSAFE)
        raises(zke.InvalidACLError, stranger.create, root + "-2", acl=CREATOR_ALL_ACL)
        readable = [make_digest_acl("bob", "pw", all=True), make_acl("world", "anyone", read=True)]
        changed = zk.set_acls(root, readable, version=stat.aversion)
        equal(changed.aversion, 1)
        raises(zke.BadVersionError, zk.set_acls, root, readable, version=0)
        equal(stranger.get(root)[0], b"secret")
        raises(zke.NoAuthError, stranger.set, root, b"")
        hidden, _ = stranger.get_acls(root)
        equal([a.id.id for a in hidden], ["bob:x", "anyone"], "a reader's view of the ACL")
        raises(zke.InvalidACLError, zk.create, root + "/y", acl=[make_acl("nobody", "x", all=True)])
        stranger.add_auth("digest", "bob:pw")
        stranger.set(root, b"now I may")
        zk.delete(root, recursive=True)


@check("the super user may do everything; the ip scheme matches addresses")
def super_user(root):
    with Clients(2) as (zk, boss):
        zk.add_auth("digest", "bob:pw")
        zk.create(root, b"", acl=[make_digest_acl("bob", "pw", all=True)])
        boss.add_auth("digest", "super:admin")
        boss.set(root, b"by super")
        boss.create(root + "/ip", acl=[make_acl("ip", "127.0.0.0/8", read=True)])
        boss.create(root + "/other", acl=[make_acl("ip", "10.1.2.3", all=True)])
        zk.get(root + "/ip")
        raises(zke.NoAuthError, zk.set, root + "/ip", b"")
        raises(zke.NoAuthError, zk.get, root + "/other")
        boss.delete(root, recursive=True)


@check("requests pipelined by the hundred are answered in order, sync included")
def pipelining(root):
    with Clients() as zk:
        zk.create(root)
        results = [zk.set_async(root, b"%d" % i) for i in range(500)]
        synced = zk.sync_async(root)
        read = zk.get_async(root)
        equal([r.get(timeout=30).version for r in results], list(range(1, 501)))
        equal(synced.get(timeout=30), root)
        equal(read.get(timeout=30)[0], b"499")
        zk.delete(root)


@check("four-letter words and the server version, as kazoo asks for them")
def words(_root):
    with Clients() as zk:
        equal(zk.command(b"ruok"), "imok")
        assert "Mode: " in zk.command(b"srvr")
        assert "zk_server_state" in zk.command(b"mntr")
        version = zk.server_version()
        assert version >= (3, 5), version
