// The clients: what each needs on this machine, how it is prepared, and the command that runs it.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { classPath, projectRoot } from './servers.mjs';

const run = promisify(execFile);
const here = join(projectRoot, 'test/interop');
const cShell = '/usr/lib/zookeeper/bin/cli_mt';
const nodeClient = 'node-zookeeper-client@1.1.3';

const javaJars = [
  'zookeeper',
  'zookeeper-jute',
  'curator-client',
  'curator-framework',
  'curator-recipes',
  'curator-x-discovery',
  'guava',
  'jackson-annotations',
  'jackson-core',
  'jackson-databind',
  'netty-all',
  'metrics-core',
  'snappy-java',
  'commons-cli',
  'slf4j-api',
  'slf4j-simple',
];

function debian(packages) {
  return `apt-get install -y --no-install-recommends ${packages}`;
}

function onPath(program) {
  const directories = (process.env.PATH ?? '').split(':');
  return directories.some((directory) => existsSync(join(directory, program)));
}

function needFile(path, packages) {
  return { what: path, there: () => existsSync(path), get: debian(packages) };
}

function needProgram(program, packages) {
  return { what: program, there: () => onPath(program), get: debian(packages) };
}

function needJar(name, packages) {
  return needFile(`/usr/share/java/${name}.jar`, packages);
}

async function compileJava(workDirectory) {
  const classes = join(workDirectory, 'classes');
  mkdirSync(classes, { recursive: true });
  const sources = readdirSync(join(here, 'java')).map((name) => join(here, 'java', name));
  const java = sources.filter((path) => path.endsWith('.java'));
  await run('javac', ['-nowarn', '-d', classes, '-cp', classPath(javaJars), ...java]);
}

function javaCommand(mainClass) {
  return (workDirectory, server) => [
    'java',
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-cp',
    `${join(workDirectory, 'classes')}:${classPath(javaJars)}`,
    `interop.${mainClass}`,
    server,
  ];
}

const kazooNeeds = [needFile('/usr/lib/python3/dist-packages/kazoo/client.py', 'python3-kazoo')];

const javaNeeds = [
  needProgram('javac', 'openjdk-17-jdk-headless'),
  needJar('zookeeper', 'libzookeeper-java'),
];

async function compileC(workDirectory) {
  const options = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-DTHREADED'];
  const output = ['-o', join(workDirectory, 'c-client')];
  const sources = readdirSync(join(here, 'c')).filter((name) => name.endsWith('.c'));
  const paths = sources.map((name) => join(here, 'c', name));
  await run('gcc', [...options, ...output, ...paths, '-lzookeeper_mt', '-lpthread']);
}

/** Outside the project's dependencies on purpose: only this suite may ever load it. */
async function installNodeClient() {
  const target = join(projectRoot, '.tmp/interop-node');
  if (existsSync(join(target, 'node_modules/node-zookeeper-client/package.json'))) return;
  mkdirSync(target, { recursive: true });
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, '--prefix', target, nodeClient], { cwd: target });
}

export const suites = [
  {
    name: 'kazoo',
    needs: kazooNeeds,
    command: (_, server) => ['/usr/bin/python3', '-u', join(here, 'kazoo/main.py'), server],
  },
  {
    name: 'java',
    needs: javaNeeds,
    prepare: compileJava,
    command: javaCommand('JavaClientSuite'),
  },
  {
    name: 'kazoo-read-only',
    target: 'minority',
    needs: kazooNeeds,
    command: (_, server) => ['/usr/bin/python3', '-u', join(here, 'kazoo/read_only.py'), server],
  },
  {
    name: 'java-read-only',
    target: 'minority',
    needs: javaNeeds,
    prepare: compileJava,
    command: javaCommand('ReadOnlySuite'),
  },
  {
    name: 'curator',
    needs: [
      ...javaNeeds,
      needJar('curator-recipes', 'libcurator-recipes-java'),
      needJar('curator-x-discovery', 'libcurator-discovery-java'),
    ],
    prepare: compileJava,
    command: javaCommand('CuratorSuite'),
  },
  {
    name: 'java-shell',
    needs: javaNeeds,
    command: (_, server) => [
      process.execPath,
      join(here, 'java/shell.mjs'),
      server,
      classPath(javaJars),
    ],
  },
  {
    name: 'c',
    needs: [
      needProgram('gcc', 'gcc libc6-dev'),
      needFile('/usr/include/zookeeper/zookeeper.h', 'libzookeeper-mt-dev'),
    ],
    prepare: compileC,
    command: (workDirectory, server) => [join(workDirectory, 'c-client'), server],
  },
  {
    name: 'c-shell',
    needs: [needFile(cShell, 'zookeeper-bin')],
    command: (_, server) => [process.execPath, join(here, 'c/shell.mjs'), server, cShell],
  },
  {
    name: 'node',
    needs: [{ what: 'npm', there: () => onPath('npm'), get: debian('npm') }],
    prepare: installNodeClient,
    prepareFailure: `npm install --no-save --prefix .tmp/interop-node ${nodeClient}`,
    command: (_, server) => [process.execPath, join(here, 'node/main.mjs'), server],
  },
  {
    name: 'quoll',
    needs: [
      {
        what: 'dist/client.js',
        there: () => existsSync(join(projectRoot, 'dist/client.js')),
        get: 'npm run build',
      },
    ],
    command: (_, server) => [process.execPath, join(here, 'quoll/main.mjs'), server],
  },
];

/** Needed only for `--peer zookeeper`. */
export const zookeeperNeeds = [needJar('zookeeper', 'zookeeper'), needProgram('java', 'zookeeper')];
