/**
 * Runs a script: blocks of commands, each with what they bring about behind a line `----`. What
 * stands there is written anew; blocks without that line are remarks.
 */
export function runBlocks(text: string, run: (commands: readonly string[]) => string[]): string {
  const blocks = text.trimEnd().split(/\n\n+/);
  return `${blocks.map((block) => runBlock(block, run)).join('\n\n')}\n`;
}

function runBlock(block: string, run: (commands: readonly string[]) => string[]): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  if (end < 0) return block;
  const commands = lines.slice(0, end);
  const told = run(commands);
  return [...commands, '----', ...(told.length === 0 ? ['ok'] : told)].join('\n');
}
