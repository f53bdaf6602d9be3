import {
  edit,
  LEADERS_CHANGE,
  LITTLE_MEMORY,
  type PlantedBug,
  PROCESSES_DIE,
  SMALL_SNAPSHOTS,
  TAKING_TURNS,
} from './bug.ts';

const layer = 'storage';

/** Only the log is lied about, and often. */
const LIES_ABOUT_THE_LOG = [
  edit('sim/nemesis.ts', 'const LIE_SHARE = 0.2;', 'const LIE_SHARE = 0.5;'),
  edit(
    'sim/faults.ts',
    'zeroedRange: ({ disk }, prng) => {\n    const path = prng.pick(disk.paths());',
    `zeroedRange: ({ disk }, prng) => {
    const path = prng.pick(disk.paths().filter((name) => name.includes('/log/')));
    if (path === undefined) return;`,
  ),
];

/** The next life takes over what clients are attached to, but not what they watch and wait for. */
const CONNECTIONS_STAY = [
  edit(
    'sim/network.ts',
    'for (const end of ends) end.destroy();',
    'for (const end of ends) if (end.isKept !== true) end.destroy();',
  ),
  edit(
    'entry/life.ts',
    `    this.clientPort.quiesce();
    await Promise.all([this.clientPort.close(), this.gossip?.stop()]);
    this.company?.cut();`,
    `    const { place } = this.options;
    place.kept = [...this.clientPort.context.connections].filter(({ attachment }) => attachment);
    for (const { stream } of place.kept) stream.isKept = true;
    await Promise.all([this.clientPort.close(), this.gossip?.stop()]);
    this.company?.cut();`,
  ),
  edit(
    'entry/life.ts',
    'this.company?.start(this.replica, config, this.gossip);',
    `for (const connection of place?.kept ?? []) {
      const { attachment } = connection;
      connection.context = this.clientPort.context;
      connection.context.connections.add(connection);
      const { high, low } = attachment;
      this.replica.sessions.attachments.set(high, low, attachment);
      attachment.lease = this.replica.expiry.get(high, low) ?? attachment.lease;
    }
    this.company?.start(this.replica, config, this.gossip);`,
  ),
];

/** Mistakes in what a disk is trusted with. */
export const STORAGE_BUGS: readonly PlantedBug[] = [
  {
    name: 'acknowledges before the sync',
    layer,
    breaks: 'rule 7; etcd #14370',
    edits: [edit('storage/supply.ts', "forceSync ? 'writeDurable' : 'write'", "'write'")],
    focus: PROCESSES_DIE,
  },
  {
    name: 'the log is adopted in two steps: the ballot, then the entries',
    layer,
    breaks: 'rule 2',
    edits: [
      edit(
        'storage/adoption.ts',
        'await superblock.update({ state, isDamaged, adoption: pending });',
        'await superblock.update({ state, isDamaged });',
      ),
    ],
    focus: {
      ...LEADERS_CHANGE,
      safetyMs: 10_000,
      faults: ['diskError', 'powerOff', 'partition', 'slowDisk'],
      faultEveryMs: 80,
    },
  },
  {
    name: 'a wiped voter comes back under its old identity',
    layer,
    breaks: "rule 22; Michael et al., DISC'17",
    edits: [
      edit(
        'entry/place.ts',
        'const fresh = secrets.randomBytes(16);',
        'const fresh = new Uint8Array(16).fill(config.serverId);',
      ),
    ],
    faultEdits: [edit('sim/nemesis.ts', 'const LIE_SHARE = 0.2;', 'const LIE_SHARE = 0;')],
    focus: { ...TAKING_TURNS, faults: ['takingTurns', 'wipe'], lyingDisksMax: 1 },
  },
  {
    name: 'a damaged voter votes',
    layer,
    breaks: "rule 24; Protocol-Aware Recovery, FAST'18",
    edits: [
      edit('entry/life.ts', 'damaged: storage.isDamaged || isIncomplete,', 'damaged: false,'),
    ],
    faultEdits: LIES_ABOUT_THE_LOG,
    focus: { ...PROCESSES_DIE, faults: ['kill', 'powerOff', 'powerOffAll'], lyingDisksMax: 1 },
  },
  {
    name: 'a snapshot is inexact: commands behind its slot are in it',
    layer,
    breaks: 'design: an image is exact at its slot',
    edits: [
      edit(
        'replica/snapshotter.ts',
        'const image = this.state.beginImage();',
        `await new Promise<void>((resolve) => this.clock.after(5, resolve));
    const image = this.state.beginImage();`,
      ),
    ],
    focus: { ...PROCESSES_DIE, lines: SMALL_SNAPSHOTS },
  },
  {
    name: 'a snapshot forgets how far each session had come',
    isFast: true,
    layer,
    breaks: 'rule 6',
    edits: [edit('state/sessions.ts', 'session.sequence = sequence;', 'session.sequence = 0;')],
    focus: { ...PROCESSES_DIE, lines: SMALL_SNAPSHOTS },
  },
  {
    name: 'connections outlive the installation of a snapshot',
    layer,
    breaks: 'design: sessions',
    edits: CONNECTIONS_STAY,
    focus: {
      ...TAKING_TURNS,
      ...LITTLE_MEMORY,
      lines: SMALL_SNAPSHOTS,
      faults: ['leftBehind'],
      steps: ['write', 'read', 'create', 'remove', 'watchData', 'watchChildren', 'watchExists'],
    },
  },
];
