import { describe, expect, it } from 'vitest';
import { InvocationError } from './exit-code.ts';
import { type MembersArguments, showMembers } from './members.ts';

const COLUMNS =
  'status role server gossip peers client incarnation zxid slot lag load version id here';
const ROWS = [
  'alive leader 1 zk1:3888 zk1:2888 zk1:2181 3 0x1f 9 0 12 0.1.0 aa here',
  'suspect voter 2 zk2:3888 zk2:2888 zk2:2181 1 0x1e 8 1 0 0.1.0 bb -',
  'dead observer - - - - 4 - - - - - cc -',
];
const ANSWER = [COLUMNS, ...ROWS].map((line) => `${line.replaceAll(' ', '\t')}\n`).join('');

async function shown(
  answers: readonly (string | Error)[],
  args: Partial<MembersArguments> = {},
  colours = false,
) {
  let [out, err] = ['', ''];
  const asked: string[] = [];
  let looks = 0;
  const code = await showMembers(
    { server: 'zk1:2181', watch: false, json: false, ...args },
    {
      terminal: {
        out: (text) => {
          out += text;
        },
        err: (text) => {
          err += text;
        },
        outColours: colours,
        errColours: false,
      },
      ask: async (host, port, word) => {
        asked.push(`${host} ${port} ${word}`);
        const answer = answers[looks++];
        if (answer instanceof Error) throw answer;
        return answer ?? '';
      },
      wait: async () => looks < answers.length,
    },
  );
  return { code, out, err, asked };
}

describe('quoll members', () => {
  it('shows who is there, as a table', async () => {
    const { code, out, asked } = await shown([ANSWER]);
    expect(out).toBe(
      'status   role      server  gossip    client    incarnation  zxid  lag  load  version  here\n' +
        'alive    leader    1       zk1:3888  zk1:2181  3            0x1f  0    12    0.1.0    here\n' +
        'suspect  voter     2       zk2:3888  zk2:2181  1            0x1e  1    0     0.1.0    -\n' +
        'dead     observer  -       -         -         4            -     -    -     -        -\n',
    );
    expect([code, asked]).toEqual([0, ['zk1 2181 mbrs']]);
  });

  it('shows the same as JSON, with numbers as numbers and null for what nobody knows', async () => {
    const { out } = await shown([ANSWER], { json: true });
    const [first, , last] = JSON.parse(out);
    expect(first).toEqual({
      ...{ status: 'alive', role: 'leader', server: 1, gossip: 'zk1:3888', peers: 'zk1:2888' },
      ...{ client: 'zk1:2181', incarnation: 3, zxid: '0x1f', slot: 9, lag: 0, load: 12 },
      ...{ version: '0.1.0', id: 'aa', here: true },
    });
    expect(last).toMatchObject({ status: 'dead', server: null, incarnation: 4, lag: null });
  });

  it('looks again and again, whatever happens in between', async () => {
    const { code, out, err } = await shown([ANSWER, new Error('no answer'), ANSWER], {
      watch: true,
    });
    expect(out.match(/^status /gm)).toHaveLength(2);
    expect([code, err]).toEqual([0, 'error: zk1:2181: no answer\n']);
    const json = await shown([ANSWER, ANSWER], { watch: true, json: true });
    expect(json.out.trimEnd().split('\n')).toHaveLength(2);
  });

  it('paints what state a member is in, without moving anything', async () => {
    const plain = await shown([ANSWER]);
    const painted = await shown([ANSWER], {}, true);
    expect(painted.out).toContain('\u001b[33msuspect\u001b[0m  voter');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
    expect(painted.out.replace(/\u001b\[\d+m/g, '')).toBe(plain.out);
  });

  it('says what to do when the server does not tell', async () => {
    const refusal = 'mbrs is not executed because it is not in the whitelist.\n';
    expect((await shown([refusal])).err).toContain('add mbrs to 4lw.commands.whitelist');
    const alone = await shown(['This server takes no part in gossip.\n']);
    expect([alone.code, alone.err]).toEqual([
      1,
      'error: zk1:2181: This server takes no part in gossip.\n',
    ]);
    expect((await shown([''])).err).toContain('it says nothing');
  });

  it('wants an address', async () => {
    await expect(shown([], { server: 'zk1' })).rejects.toThrow(InvocationError);
    expect((await shown([ANSWER], { server: '[::1]:2181' })).asked).toEqual(['::1 2181 mbrs']);
  });
});
