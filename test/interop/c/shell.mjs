// The C client's shell, as Debian ships it (cli_mt), against one server: shell.mjs HOST:PORT CLI
import { check, runAll } from '../lib/checks.mjs';
import { Shell } from '../lib/shell.mjs';

const [server, program] = process.argv.slice(2);

async function open() {
  // Unbuffered, or its answers would come only when it ends: its output is a pipe here.
  const shell = new Shell(['stdbuf', '-o0', '-e0', program, '-h', server]);
  await shell.expect(/Got a new session id/);
  return shell;
}

check('create, set, get, ls, exists and delete', async (root) => {
  const shell = await open();
  await shell.say(`create ${root}`, new RegExp(`\\[${root}\\]: rc = 0`));
  await shell.say(`set ${root} abc`, /rc = 0 Stat:/, /version=1\t/);
  await shell.say(`get ${root}`, /value_len = 3\nabc\n/);
  await shell.say(`create +s ${root}/s-`, new RegExp(`name = ${root}/s-0000000000`));
  await shell.say(`create +e ${root}/e`, new RegExp(`name = ${root}/e`));
  await shell.say(`create2 ${root}/two`, /rc = 0/, /czxid=/);
  await shell.say(`ls ${root}`, /rc = 0/, /s-0000000000/);
  await shell.say(`ls2 ${root}`, /rc = 0/, /ephemeralOwner = 0/);
  await shell.say(`sync ${root}`, /rc = 0/);
  await shell.say(`delete ${root}`, /rc = -111/);
  for (const name of ['/s-0000000000', '/e', '/two', '']) {
    await shell.say(`delete ${root}${name}`, new RegExp(`${root}${name}: rc = 0`));
  }
  await shell.say(`exists ${root}`, /Error -101 for/);
  await shell.quit();
});

check('watches reach the shell, ephemerals of a shell that quits go', async (root) => {
  const [shell, other] = [await open(), await open()];
  await shell.say(`create ${root}`, /rc = 0/);
  await shell.say(`ls ${root}`, /rc = 0/);
  await other.say(`create +e ${root}/e`, /rc = 0/);
  await shell.expect(new RegExp(`CHILD_EVENT .* for path ${root}\n`));
  await shell.say(`get ${root}/e`, /rc = 0/);
  await other.quit();
  await shell.expect(new RegExp(`DELETED_EVENT .* for path ${root}/e\n`));
  await shell.say(`delete ${root}`, /rc = 0/);
  await shell.quit();
});

await runAll();
