import { edit, LEADERS_CHANGE, type PlantedBug } from './bug.ts';

const layer = 'state';

/** Mistakes in what a command does. */
export const STATE_BUGS: readonly PlantedBug[] = [
  {
    name: 'ephemerals stay when their session expires',
    layer,
    breaks: "programmer's guide, Ephemeral Nodes",
    edits: [
      edit(
        'state/session-commands.ts',
        'removeNode(c, row, path.bytes, 0, path.at);',
        'if (c.header.sequence > 0) removeNode(c, row, path.bytes, 0, path.at);',
      ),
    ],
    focus: {
      ...LEADERS_CHANGE,
      steps: ['ephemeral', 'list', 'lock'],
      faults: ['pauseClient', 'partition'],
      timeoutsMs: [400, 400, 400],
      clients: 3,
    },
  },
  {
    name: 'a new epoch begins at a zxid that was there before',
    isFast: true,
    layer,
    breaks: 'rule 41; zxids are monotone',
    edits: [
      edit(
        'state/context.ts',
        'this.zxid = (Math.floor(this.zxid / TWO_32) + 1) * TWO_32;',
        'this.zxid = Math.max(Math.floor(this.zxid / TWO_32), 1) * TWO_32;',
      ),
    ],
    focus: LEADERS_CHANGE,
  },
  {
    name: "apply goes by this replica's configuration, not by the command's",
    layer,
    breaks: 'rule 5: apply knows nothing but the log',
    edits: [
      edit(
        'state/context.ts',
        'return (this.header.flags & flag) !== 0;',
        'return ((globalThis.ownFlags?.get(this.sessions) ?? this.header.flags) & flag) !== 0;',
      ),
      edit(
        'replica/replica.ts',
        'this.options = options;',
        `this.options = options;
    globalThis.ownFlags ??= new WeakMap();
    globalThis.ownFlags.set(options.state.sessions, options.flags);`,
      ),
    ],
    focus: {
      ...LEADERS_CHANGE,
      steps: ['outlived', 'write'],
      ownLines: [['extendedTypesEnabled=true'], [], []],
    },
  },
];
