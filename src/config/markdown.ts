import type { ConfigKey, KeySection } from './key.ts';
import { KEY_SECTIONS } from './keys.ts';
import { allowed } from './value.ts';

const INTRODUCTION = `# Configuration

<!-- Written by \`quoll config --keys --markdown\`; change the table in src/config/keys/. -->

Quoll reads the \`zoo.cfg\` of ZooKeeper 3.9. Values come from, the strongest first:

1. flags: \`quoll serve --client-port 2182\`
2. \`-D\` on the command line: \`quoll serve zoo.cfg -DmaxCnxns=1000\`, with a key of the file or the
   name of a Java system property (\`-Djute.maxbuffer=4194304\`)
3. \`-D\` in the variables \`JVMFLAGS\` and \`SERVER_JVMFLAGS\`, with names of system properties; what
   else they say to the JVM is ignored
4. the file
5. the defaults

\`quoll config zoo.cfg\` shows what comes of it and where each value is from, without starting
anything. A key that does not exist is a warning, a value that is not allowed an error. Every key of
ZooKeeper is known and is one of these:

- **honoured**: Quoll does what it says.
- **accepted**: it has no effect, because Quoll lacks the part that it tunes. The server says so
  when it starts.
- **refused**: what it asks for can't be had, and to go on without it would be unsafe or surprising.
  The server does not start unless the key is at its default.

In the file a key has no \`zookeeper.\` in front; as a system property it has, except where the
table names another property.
`;

/** docs/configuration.md. */
export function configurationMarkdown(): string {
  return [INTRODUCTION, ...KEY_SECTIONS.map(sectionMarkdown)].join('\n');
}

function sectionMarkdown(section: KeySection): string {
  const rows = section.keys.map((key) => {
    const cells = [`\`${key.name}\``, defaultCell(key), key.status, meaningCell(key)];
    return `| ${cells.map(escapeCell).join(' | ')} |`;
  });
  return [
    `## ${section.title}`,
    '',
    '| key | default | status | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function defaultCell(key: ConfigKey): string {
  if (key.defaultNote !== null) return key.defaultNote;
  if (key.default === null) return 'none';
  return key.default === '' ? 'empty' : `\`${key.default}\``;
}

function meaningCell(key: ConfigKey): string {
  const parts = [key.help];
  if (hasNotableType(key)) parts.push(`Takes ${allowed(key.type)}.`);
  if (key.property !== null && key.property !== `zookeeper.${key.name}`) {
    if (key.property !== key.name) parts.push(`Property: \`${key.property}\`.`);
    else if (key.jvmOnly) parts.push(`Property: \`${key.property}\`.`);
  }
  if (key.reason !== null) parts.push(`${capitalised(key.reason)}.`);
  return parts.join(' ');
}

/** What any text or any word may be goes without saying. */
function hasNotableType(key: ConfigKey): boolean {
  const { type } = key;
  if (key.status !== 'honoured' || type.kind === 'text' || type.kind === 'secret') return false;
  return type.kind !== 'list' || type.words !== null;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
