// zkCli.sh's main class (ZooKeeper's own shell) against one server: shell.mjs HOST:PORT CLASSPATH
import { check, runAll } from '../lib/checks.mjs';
import { Shell } from '../lib/shell.mjs';

const [server, classPath] = process.argv.slice(2);

async function open(address = server) {
  const shell = new Shell([
    'java',
    '-Xmx128m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-cp',
    classPath,
    'org.apache.zookeeper.ZooKeeperMain',
    '-server',
    address,
  ]);
  await shell.expect(/state:SyncConnected/);
  return shell;
}

check('create, get -s, set -v, stat, ls -R, delete, deleteall', async (root) => {
  const shell = await open();
  await shell.say(`create ${root} hello`, new RegExp(`Created ${root}\n`));
  await shell.say(`get -s ${root}`, /hello\n/, /dataVersion = 0\n/, /dataLength = 5\n/);
  await shell.say(`set -v 0 ${root} you`);
  await shell.say(`stat ${root}`, /dataVersion = 1\n/, /numChildren = 0\n/);
  await shell.say(`set -v 7 ${root} you`, /version No is not valid/);
  await shell.say(`create -s ${root}/n-`, new RegExp(`Created ${root}/n-0000000000\n`));
  await shell.say(`create -e ${root}/e`, /Created/);
  await shell.say(`create -c ${root}/c`, /Created/);
  await shell.say(`create -t 60000 ${root}/t`, /Created/);
  await shell.say(`ls -R ${root}`, new RegExp(`${root}\n${root}/c\n${root}/e\n${root}/n-0+\n`));
  await shell.say(`delete ${root}`, /Node not empty/);
  await shell.say(`getAllChildrenNumber ${root}`, /4\n/);
  await shell.say(`getEphemerals ${root}`, new RegExp(`\\[${root}/e\\]`));
  await shell.say(`deleteall ${root}`);
  await shell.say(`stat ${root}`, /Node does not exist/);
  await shell.quit();
});

check('watches: ls -w, get -w, addWatch, removewatches', async (root) => {
  const [shell, other] = [await open(), await open()];
  await other.say(`create ${root}`, /Created/);
  await shell.say(`ls -w ${root}`, /\[\]/);
  await other.say(`create ${root}/k`, /Created/);
  await shell.expect(new RegExp(`NodeChildrenChanged path:${root}\n`));
  await shell.say(`addWatch -m PERSISTENT_RECURSIVE ${root}`);
  await shell.say(`get ${root}/k`, /null\n/);
  await other.say(`set ${root}/k v`);
  await shell.expect(new RegExp(`NodeDataChanged path:${root}/k\n`));
  await shell.say(`removewatches ${root}`, /PersistentWatchRemoved|removed/);
  await other.say(`deleteall ${root}`);
  await shell.quit();
  await other.quit();
});

check('addauth, setAcl, getAcl, whoami', async (root) => {
  const [shell, other] = [await open(), await open()];
  await shell.say('addauth digest bob:pw');
  await shell.say('whoami', /digest: bob\n/);
  await shell.say(`create ${root} secret auth::cdrwa`, /Created/);
  await shell.say(`getAcl ${root}`, /'digest,'bob:ikIaKsbtGweaHnb\/jKn7OHqbunM=\n: cdrwa/);
  await other.say(`get ${root}`, /Insufficient permission/);
  await shell.say(`setAcl ${root} world:anyone:r`);
  await shell.say(`getAcl -s ${root}`, /'world,'anyone\n: r\n/, /aclVersion = 1\n/);
  await other.say(`get ${root}`, /secret\n/);
  await other.say(`set ${root} x`, /Insufficient permission/);
  await shell.say(`delete ${root}`);
  await shell.quit();
  await other.quit();
});

check('setquota, listquota, delquota; version; config; sync', async (root) => {
  const shell = await open();
  await shell.say(`create ${root} 12345`, /Created/);
  await shell.say(`setquota -n 5 ${root}`);
  const pattern = [/Output quota .*count=5,bytes=-1/, /Output stat .*count=1,bytes=5/];
  await shell.say(`listquota ${root}`, ...pattern);
  await shell.say(`create ${root}/k 123`, /Created/);
  await shell.say(`listquota ${root}`, /Output stat .*count=2,bytes=8/);
  await shell.say(`delquota ${root}`);
  await shell.say(`listquota ${root}`, /quota for .* does not exist/);
  await shell.say(`sync ${root}`, /Sync is OK/);
  await shell.say('config');
  await shell.say(`deleteall ${root}`);
  await shell.say(`stat ${root}`, /Node does not exist/);
  await shell.quit();
});

await runAll();
