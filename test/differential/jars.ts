import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where Apache ZooKeeper's classes come from: Debian's package for 3.8, else Maven. */

const CACHE = resolve('.tmp/zookeeper');
const DEBIAN = '/usr/share/java';
const DEBIAN_JARS = [
  'zookeeper',
  'zookeeper-jute',
  'slf4j-api',
  'slf4j-nop',
  'netty-all',
  'metrics-core',
  'snappy-java',
  'commons-cli',
  'commons-io',
];

export function classPath(version: string): string {
  if (version === '3.8') {
    return DEBIAN_JARS.map((name) => join(DEBIAN, `${name}.jar`)).join(':');
  }
  const folder = join(CACHE, version);
  if (!existsSync(join(folder, `zookeeper-${version}.jar`))) fetchJars(version, folder);
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .join(':');
}

function fetchJars(version: string, folder: string): void {
  const project = join(CACHE, `pom-${version}`);
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'pom.xml'), pom(version));
  const options = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
  execFileSync('mvn', [...options, `-DoutputDirectory=${folder}`], { cwd: project });
}

/** ZooKeeper's own descriptor leaves out two libraries that its server needs at run time. */
function pom(version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>quoll</groupId><artifactId>reference</artifactId><version>1</version>
  <dependencies>
    ${dependency('org.apache.zookeeper', 'zookeeper', version)}
    ${dependency('org.xerial.snappy', 'snappy-java', '1.1.10.5')}
    ${dependency('io.dropwizard.metrics', 'metrics-core', '4.1.12.1')}
  </dependencies>
</project>
`;
}

function dependency(group: string, artifact: string, version: string): string {
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
}
