import { Command, CommanderError, Option } from 'commander';
import type { CheckArguments } from './check.ts';
import { ExitCode, explain } from './exit-code.ts';
import { addConfigFlags } from './flags.ts';
import { loadProcessConfig } from './load-config.ts';
import type { MembersArguments } from './members.ts';
import type { ReplaceArguments } from './replace.ts';
import { printFailure, type Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `
Examples:
  quoll serve                        try it: 127.0.0.1:2181, data in ./quoll-data
  quoll serve /etc/quoll/zoo.cfg     run with the zoo.cfg that ZooKeeper had
  quoll ensemble                     three servers on this machine, to try failover
  quoll config /etc/quoll/zoo.cfg    see what a file comes to, and from where
  quoll members                      see who is there, alive or dead
  quoll check /var/lib/quoll         look for damage while no server runs

Any ZooKeeper client connects, such as: zkCli.sh -server 127.0.0.1:2181
Exit codes: 0 fine, 1 unexpected error, 2 arguments or configuration, 3 data directory.`;

const SERVE_EXAMPLES = `
Without a file the server listens on 127.0.0.1:2181 and keeps its data in ./quoll-data; with one it
listens on all addresses, as ZooKeeper does. Flags win over -D, -D over the variables JVMFLAGS and
SERVER_JVMFLAGS, these over the file. 'quoll config --keys' explains every key.

Examples:
  quoll serve
  quoll serve --client-port 0 --data-dir /tmp/quoll --no-sync     for tests: any free port, fast
  quoll serve zoo.cfg --client-address 10.0.0.7 --4lw ruok,mntr
  quoll serve --join zk1:2888 --data-dir /var/lib/reader          an observer that nobody configures
  quoll serve zoo.cfg -DmaxCnxns=1000 -Djute.maxbuffer=4194304

SIGTERM and SIGINT stop the server in order; a second signal stops it at once.`;

const ENSEMBLE_EXAMPLES = `
Each server is a process of its own with a zoo.cfg and data in DIR/server-N. They listen on
127.0.0.1: for clients on the ports from the base on, for each other from base + 1000 on. When all
serve, one connect string is printed; their logs go to standard error, with the server's name in
front. What is in DIR is used again the next time, with the same size and port.

Examples:
  quoll ensemble                                   three servers, in ./quoll-ensemble
  quoll ensemble --size 5 --dir /tmp/five --client-port-base 12181
  kill -9 PID                                      try it on one: clients go on by the others
  quoll serve quoll-ensemble/server-2/zoo.cfg      start a server again that was killed

Ctrl-C or SIGTERM stops them in order; a second one at once. For several machines give each the same
server lines and a myid: 'quoll config --keys'.
Exit codes: 0 stopped when asked, 1 a server failed, 2 arguments, 3 data directory.`;

const REPLACE_EXAMPLES = `
A server that has lost its disk has forgotten what it promised to the others, so they do not take it
back as the member it was: it has to come back as a new one. Start it with an empty dataDir but its
myid, then tell any server of the ensemble. Addresses and the number of votes stay as they are, and
it works with reconfigEnabled=false too.

Examples:
  quoll replace 3 --data-dir /var/lib/quoll       on the machine of another member that runs
  quoll replace 3 --server zk1:2181 --auth digest:super:<password>
  QUOLL_AUTH=digest:super:<password> quoll replace 3 --server zk1:2181      hidden from ps

On its own machine a server takes the word of whoever may read its data. From elsewhere it takes the
super user: the servers need DigestAuthenticationProvider.superDigest, or skipACL=yes.
Exit codes: 0 replaced, 1 not, and why, 2 arguments.`;

const MEMBERS_EXAMPLES = `
What the server that is asked has heard of the others, within seconds: nothing is decided by it. lag
counts slots behind the member that is furthest, load thousandths of what it bears. Status: alive,
suspect (it does not answer, and has a few seconds to), dead, left (it said goodbye).

Examples:
  quoll members --server zk1:2181
  quoll members --watch                       again each second, until Ctrl-C
  quoll members --json | jq '.[] | select(.status == "dead")'

The server has to allow the word: 4lw.commands.whitelist=mbrs (or *) in its zoo.cfg.
Exit codes: 0 shown, 1 not, and why, 2 arguments.`;

const CHECK_EXAMPLES = `
Examples:
  quoll check /var/lib/quoll                  report what is there and whether it is whole
  quoll check /var/lib/quoll --json           the same for scripts
  quoll check /var/lib/quoll --accept-loss    cut at the damage, keeping what is cut beside it

The server must not be running. Exit codes: 0 whole, 3 damage or no data.`;

const CONFIG_EXAMPLES = `
Takes the arguments of 'quoll serve' and starts nothing. Exit code 2: it would not start.

Examples:
  quoll config zoo.cfg
  quoll config zoo.cfg --tick-time 1000 --json
  quoll config --keys                         every key of ZooKeeper, and what Quoll makes of it`;

/** Runs one command line; the result is the exit code. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = ExitCode.ok;
  const program = createProgram(terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed its own errors, and throws for --help and --version too.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitCode.ok : ExitCode.invocation;
    }
    const failure = explain(error);
    printFailure(terminal, failure.message);
    return failure.code;
  }
}

type SetCode = (code: number) => void;

function createProgram(terminal: Terminal, setCode: SetCode): Command {
  const program = new Command('quoll')
    .description('The ZooKeeper you do not have to operate: one process, every ZooKeeper client.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError("(see 'quoll --help')")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHasColors: () => terminal.outColours,
      getErrHasColors: () => terminal.errColours,
    });
  addServe(program, terminal, setCode);
  addEnsemble(program, terminal, setCode);
  addReplace(program, terminal, setCode);
  addMembers(program, terminal, setCode);
  addCheck(program, terminal, setCode);
  addConfig(program, terminal, setCode);
  program
    .command('version')
    .description('print the version')
    .action(() => terminal.out(`${VERSION}\n`));
  return program;
}

function addServe(program: Command, terminal: Terminal, setCode: SetCode): void {
  const command = program
    .command('serve')
    .description('run a server')
    .argument('[zoo.cfg]', 'configuration file, in the format of ZooKeeper')
    .addHelpText('after', SERVE_EXAMPLES);
  const typed = addConfigFlags(command);
  command.action(async (file: string | undefined) => {
    const [{ serve }, { processHost }] = await Promise.all([
      import('./serve.ts'),
      import('./serve-host.ts'),
    ]);
    const code = await serve(loadProcessConfig(file, typed), processHost(terminal));
    setCode(code);
  });
}

function addEnsemble(program: Command, terminal: Terminal, setCode: SetCode): void {
  program
    .command('ensemble')
    .description('run several servers on this machine as one')
    .option('--size <n>', 'how many servers', '3')
    .option('--dir <dir>', 'where their configuration and data are', './quoll-ensemble')
    .option('--client-port-base <port>', 'client port of the first; the others count on', '2181')
    .addHelpText('after', ENSEMBLE_EXAMPLES)
    .action(async (options: EnsembleOptions) => {
      const [{ runEnsemble }, { processEnsembleHost }] = await Promise.all([
        import('./ensemble.ts'),
        import('./ensemble-host.ts'),
      ]);
      const { size, dir, clientPortBase } = options;
      const wanted = { size: Number(size), dir, clientPortBase: Number(clientPortBase) };
      setCode(await runEnsemble(wanted, processEnsembleHost(terminal)));
    });
}

interface EnsembleOptions {
  readonly size: string;
  readonly dir: string;
  readonly clientPortBase: string;
}

function addReplace(program: Command, terminal: Terminal, setCode: SetCode): void {
  program
    .command('replace')
    .description('let a server with a blank disk take its place in an ensemble again')
    .argument('<N>', 'the id of the server: the N of its line server.N=...')
    .option('--data-dir <dir>', 'the dataDir of a member that runs on this machine')
    .option('--server <host:port>', 'client address of any server of the ensemble')
    .addOption(
      new Option('--auth <scheme:credentials>', 'who asks: the super user').env('QUOLL_AUTH'),
    )
    .addHelpText('after', REPLACE_EXAMPLES)
    .action(async (member: string, options: Omit<ReplaceArguments, 'member'>) => {
      const [{ replaceMember }, { connectFrames, readFile }] = await Promise.all([
        import('./replace.ts'),
        import('./replace-host.ts'),
      ]);
      const { server, auth, dataDir } = options;
      const args = { member, server, auth, dataDir };
      setCode(await replaceMember(args, { connect: connectFrames, readFile }, terminal));
    });
}

function addMembers(program: Command, terminal: Terminal, setCode: SetCode): void {
  program
    .command('members')
    .description('show who takes part in gossip, as one server knows it')
    .option('--server <host:port>', 'client address of any server', '127.0.0.1:2181')
    .option('--watch', 'look again each second', false)
    .option('--json', 'print JSON, all that is known', false)
    .addHelpText('after', MEMBERS_EXAMPLES)
    .action(async (options: MembersArguments) => {
      const [{ showMembers }, { processMembersHost }] = await Promise.all([
        import('./members.ts'),
        import('./members-host.ts'),
      ]);
      setCode(await showMembers(options, processMembersHost(terminal)));
    });
}

function addCheck(program: Command, terminal: Terminal, setCode: SetCode): void {
  program
    .command('check')
    .description('look for damage in a data directory')
    .argument('<dir>', 'the dataDir of a server that is not running')
    .option('--data-log-dir <dir>', 'the dataLogDir, when the log is kept elsewhere')
    .option('--json', 'print the result as JSON')
    .option('--accept-loss', 'cut the log at the damage: what follows is lost to clients')
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (dir: string, options: CheckArguments) => {
      const { runCheck } = await import('./check.ts');
      setCode(await runCheck(dir, options, terminal));
    });
}

function addConfig(program: Command, terminal: Terminal, setCode: SetCode): void {
  const command = program
    .command('config')
    .description('print the effective configuration, or every key there is')
    .argument('[zoo.cfg]', 'configuration file, in the format of ZooKeeper')
    .option('--json', 'print JSON')
    .option('--keys', 'print every key with its meaning and what Quoll makes of it')
    .option('--markdown', 'with --keys: print docs/configuration.md')
    .addHelpText('after', CONFIG_EXAMPLES);
  const typed = addConfigFlags(command);
  command.action(async (file: string | undefined, options: ConfigOptions) => {
    const { printConfig, printKeys } = await import('./config-command.ts');
    if (options.keys === true) printKeys(keysFormat(options), terminal);
    else setCode(printConfig(loadProcessConfig(file, typed), options.json === true, terminal));
  });
}

interface ConfigOptions {
  readonly json?: boolean;
  readonly keys?: boolean;
  readonly markdown?: boolean;
}

function keysFormat(options: ConfigOptions): 'text' | 'json' | 'markdown' {
  if (options.markdown === true) return 'markdown';
  return options.json === true ? 'json' : 'text';
}
