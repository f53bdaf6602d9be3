import { describe, expect, it } from 'vitest';
import { viewOf } from '../base/bytes.ts';
import { Reader } from '../base/reader.ts';
import { utf8Decode, utf8Encode } from '../base/utf8.ts';
import { Writer } from '../base/writer.ts';
import { encodeRecord } from '../protocol/codec.ts';
import { Err, Op } from '../protocol/constants.ts';
import { CommandFlag, CommandKind } from './command.ts';
import { withIdentities } from './ensemble-commands.ts';
import { Identities } from './identities.ts';
import { evaluateReconfig, type ReconfigPlan } from './reconfig.ts';
import {
  encodeCommand,
  GENESIS_TEXT,
  genesisBody,
  genesisMembership,
  identityOf,
  openEpochBody,
} from './testing/commands.ts';
import { type Client, decode, Harness, type Result } from './testing/harness.ts';

const EPOCH = 2 ** 32;
const CONFIG = '/zookeeper/config';
const ON = CommandFlag.reconfigEnabled | CommandFlag.standaloneEnabled;
const SUPER = new Identities([{ scheme: 'super', id: '' }]);

interface Asked {
  readonly joining?: string | null;
  readonly leaving?: string | null;
  readonly newMembers?: string | null;
  readonly version?: number;
  /** Servers whose identities the leader supplies. */
  readonly identities?: readonly number[];
}

function requestBody(asked: Asked): Uint8Array {
  const writer = new Writer();
  encodeRecord(writer, 'ReconfigRequest', {
    joiningServers: asked.joining ?? null,
    leavingServers: asked.leaving ?? null,
    newMembers: asked.newMembers ?? null,
    curConfigId: asked.version ?? -1,
  });
  return writer.written().slice();
}

class Ensemble {
  readonly h = new Harness();
  readonly client: Client;

  constructor(membership = genesisMembership()) {
    this.h.command({ kind: CommandKind.genesis, body: genesisBody(membership) });
    this.h.command({ kind: CommandKind.openEpoch, body: openEpochBody(true) });
    this.h.flags = ON;
    this.client = this.h.open();
    this.client.identities = SUPER;
  }

  reconfig(asked: Asked): Result {
    const { h, client } = this;
    const identities = new Map((asked.identities ?? []).map((id) => [id, identityOf(id)]));
    const request = requestBody(asked);
    const body = identities.size === 0 ? request : withIdentities(request, identities);
    client.sequence++;
    const { high, low, generation, sequence } = client;
    const stamp = { high, low, generation, sequence, identities: client.identities };
    return h.command({ kind: CommandKind.write, opcode: Op.reconfig, ...stamp, body });
  }

  get ids(): number[] {
    return (this.h.state.membership?.members ?? []).map((member) => member.id);
  }
}

function errorOf(asked: Asked, membership = genesisMembership()): number {
  return new Ensemble(membership).reconfig(asked).error;
}

const FIVE = 'server.5=zk5:2888:3888:participant;2181';
const LINES = GENESIS_TEXT.split('\n');

describe('reconfig', () => {
  it('adds a server: the configuration node, its watchers and the reply tell', () => {
    const e = new Ensemble();
    const before = e.h.state.zxid;
    const { error, zxid, changes, body } = e.reconfig({ joining: FIVE, identities: [5] });
    expect([error, zxid]).toEqual([Err.ok, before + 1]);
    expect(changes).toEqual([`changed ${CONFIG}`]);
    const text = `${GENESIS_TEXT}\nserver.5=zk5:2888:3888:participant;0.0.0.0:2181`;
    const data = `${text}\nversion=${zxid.toString(16)}`;
    expect(e.h.data(CONFIG)).toBe(data);
    const reply = decode(body, 'GetDataResponse');
    expect(utf8Decode(reply.data as Uint8Array, 0, data.length)).toBe(data);
    expect(reply.stat).toEqual(e.h.stat(CONFIG));
    expect(reply.stat).toMatchObject({ version: -1, mzxid: zxid, mtime: e.h.timeMs });
    expect(e.h.state.membership?.version).toBe(zxid);
    expect(e.h.state.membership?.members.at(-1)?.identity).toEqual(identityOf(5));
  });

  it('removes servers, ignores unknown ones, and changes one that is there already', () => {
    const e = new Ensemble();
    expect(e.reconfig({ leaving: ' 4 , 77,' }).error).toBe(Err.ok);
    expect(e.ids).toEqual([1, 2, 3]);
    const moved = 'server.3=elsewhere:2888:3888:observer;2181';
    expect(e.reconfig({ joining: moved }).error).toBe(Err.ok);
    const third = e.h.state.membership?.members[2];
    expect(third).toMatchObject({ id: 3, role: 'observer', identity: identityOf(3) });
    expect(third?.addresses[0]?.host).toBe('elsewhere');
  });

  it('takes a whole new list, between commas or on lines', () => {
    const e = new Ensemble();
    const list = [...LINES.slice(0, 2), FIVE, 'version=ff'];
    expect(e.reconfig({ newMembers: list.join(','), identities: [5] }).error).toBe(Err.ok);
    expect(e.ids).toEqual([1, 2, 5]);
    const groups = [...LINES.slice(0, 3), 'group.1=1:2:3', 'weight.1=3'].join('\n');
    expect(e.reconfig({ newMembers: groups, identities: [3] }).error).toBe(Err.ok);
    expect(e.h.data(CONFIG)).toContain('group.1=1:2:3\nweight.1=3\nweight.2=1');
    expect(e.h.state.membership?.hierarchical).toBe(true);
    expect(e.reconfig({ leaving: '3' }).error).toBe(Err.badArguments);
  });

  it('compares the version that it means to change', () => {
    const e = new Ensemble();
    expect(e.reconfig({ leaving: '4', version: EPOCH + 1 }).error).toBe(Err.badVersion);
    expect(e.reconfig({ leaving: '4', version: EPOCH }).error).toBe(Err.ok);
    expect(e.reconfig({ leaving: '3', version: EPOCH }).error).toBe(Err.badVersion);
  });

  it('is for whom the ACL of the configuration node lets write, and checks that behind the request', () => {
    const e = new Ensemble();
    e.client.identities = Identities.none;
    const before = e.h.data(CONFIG);
    expect(e.reconfig({ leaving: '4' }).error).toBe(Err.noAuth);
    expect(e.reconfig({ joining: FIVE }).error).toBe(Err.noAuth);
    expect(e.reconfig({ leaving: 'x' }).error).toBe(Err.marshallingError);
    expect(e.h.data(CONFIG)).toBe(before);
    e.h.flags |= CommandFlag.skipACL;
    expect(e.reconfig({ leaving: '4' }).error).toBe(Err.ok);
  });

  it('must be enabled, and needs an ensemble', () => {
    const e = new Ensemble();
    e.h.flags = 0;
    expect(e.reconfig({ leaving: '4', version: 3 }).error).toBe(Err.reconfigDisabled);
    const alone = new Harness();
    alone.flags = ON;
    expect(alone.open().send({ opcode: Op.reconfig }).error).toBe(Err.unimplemented);
  });

  it('needs the identity of whoever joins, which a client can’t give', () => {
    const e = new Ensemble();
    expect(e.reconfig({ joining: FIVE }).error).toBe(Err.newConfigNoQuorum);
    expect(e.reconfig({ joining: FIVE, identities: [6] }).error).toBe(Err.newConfigNoQuorum);
    const forged = withIdentities(requestBody({ joining: FIVE }), new Map([[5, identityOf(66)]]));
    const honest = withIdentities(forged, new Map([[5, identityOf(5)]]));
    expect(honest).toEqual(
      withIdentities(requestBody({ joining: FIVE }), new Map([[5, identityOf(5)]])),
    );
  });

  it('keeps identities apart from addresses: who leaves and comes back is somebody new', () => {
    const e = new Ensemble();
    e.reconfig({ leaving: '4' });
    const back = LINES[3] as string;
    expect(e.reconfig({ joining: back }).error).toBe(Err.newConfigNoQuorum);
    expect(e.reconfig({ joining: back, identities: [4] }).error).toBe(Err.ok);
  });

  it('leaves two voters, or one where no server ever stands alone', () => {
    expect(errorOf({ leaving: '2,3' })).toBe(Err.badArguments);
    expect(errorOf({ newMembers: LINES[0] as string })).toBe(Err.badArguments);
    const e = new Ensemble();
    e.h.flags = CommandFlag.reconfigEnabled;
    expect(e.reconfig({ leaving: '2,3' }).error).toBe(Err.ok);
    expect(e.ids).toEqual([1, 4]);
    expect(e.reconfig({ leaving: '1' }).error).toBe(Err.badArguments);
  });

  it('must leave the sizes of quorums possible', () => {
    const sized = { ...genesisMembership(), electionSize: 3, writeSize: 1 };
    expect(errorOf({ leaving: '4' }, sized)).toBe(Err.ok);
    expect(errorOf({ leaving: '3' }, sized)).toBe(Err.badArguments);
    expect(errorOf({ joining: FIVE, identities: [5] }, sized)).toBe(Err.badArguments);
    const groups = [...LINES.slice(0, 3), 'group.1=1:2:3', 'weight.1=0', 'weight.2=0'];
    const weightless = { newMembers: [...groups, 'weight.3=0'].join(',') };
    expect(errorOf(weightless)).toBe(Err.badArguments);
  });

  it.each([
    ['server.5=zk5:2888:3888:participant', 'no client port'],
    ['server.5=zk5:2888;2181', 'no election port'],
    ['server.5', 'no value'],
    ['server.5=zk5:1:2;3=4', 'two equals signs'],
    ['server.0=zk5:1:2;3', 'an id too small'],
    ['server.255=zk5:1:2;3', 'an id too large'],
    ['server.5=zk1:2888:3999;2181', 'the address of server 1'],
    ['server.5=zk5:2888:3888:leader;2181', 'an unknown role'],
  ])('refuses a joiner %j: %s', (joining) => {
    expect(errorOf({ joining, identities: [5] })).toBe(Err.badArguments);
  });

  it('finds no clash in addresses that name no machine', () => {
    const local = 'server.5=localhost:1:2;h5:9,server.6=localhost:1:2;h6:9';
    expect(errorOf({ joining: local, identities: [5, 6] })).toBe(Err.ok);
    const same = 'server.5=zk5:1:2;h:9,server.6=zk6:1:2;h:9';
    expect(errorOf({ joining: same, identities: [5, 6] })).toBe(Err.badArguments);
  });

  it.each([
    [{ leaving: 'x' }],
    [{ leaving: '3;4' }],
    [{ joining: 'server.x=zk5:1:2;3' }],
    [{ newMembers: 'server.x=zk5:1:2;3' }],
    [{ newMembers: `${FIVE},version=xyz` }],
    [{ newMembers: 'server.1=a:1:2:observer' }],
    [{ newMembers: 'server.1=a:1:2,server.2=b:1:2:observer' }],
    [{ newMembers: 'server.1=\\u12' }],
  ])('answers as for what it can’t read: %j', (asked) => {
    expect(errorOf(asked)).toBe(Err.marshallingError);
  });

  it.each([
    [{ newMembers: '' }],
    [{ newMembers: 'clientPort=2181' }],
    [{ newMembers: `${LINES.slice(0, 2).join(',')},server.9=a:1` }],
    [{ newMembers: `${LINES.slice(0, 2).join(',')},group.1=1` }],
  ])('refuses a list %j', (asked) => {
    expect(errorOf(asked)).toBe(Err.badArguments);
  });

  it('asks which replica an observer is that gets a vote, whichever it was before', () => {
    const present = genesisMembership();
    const observed = (identity: Uint8Array) => ({
      ...present,
      members: present.members.map((member) =>
        member.id === 3 ? { ...member, role: 'observer' as const, identity } : member,
      ),
    });
    const request = { joining: FIVE.replaceAll('5', '3'), leaving: null, newMembers: null };
    const joiners = (identity: Uint8Array): readonly number[] => {
      const plan = evaluateReconfig(observed(identity), { ...request, version: -1 }, ON);
      return typeof plan === 'number' ? [-plan] : plan.joiners;
    };
    expect(joiners(new Uint8Array(16))).toEqual([3]);
    expect(joiners(identityOf(3))).toEqual([3]);
  });

  it('can be planned before it is proposed, with the answer that apply will give', () => {
    const e = new Ensemble();
    const plan = (asked: Asked, identities = SUPER, cut = 0): ReconfigPlan | number => {
      const request = requestBody(asked);
      const body = request.subarray(0, request.length - cut);
      const kind = CommandKind.write;
      const bytes = encodeCommand({ kind, opcode: Op.reconfig, flags: ON, identities, body });
      const reader = new Reader();
      reader.reset(bytes, viewOf(bytes), 0, bytes.length);
      return e.h.state.planReconfig(reader);
    };
    const { digest } = e.h;
    expect(plan({ joining: FIVE, leaving: '1' })).toMatchObject({
      joiners: [5],
      quorums: { voters: [2, 3, 5].map((id) => ({ id, weight: 1, group: 0 })) },
    });
    expect(plan({ leaving: '1' }, Identities.none)).toBe(Err.noAuth);
    expect(plan({ leaving: '1', version: 1 })).toBe(Err.badVersion);
    expect(plan({ leaving: '1' }, SUPER, 1)).toBe(Err.marshallingError);
    expect(e.h.digest).toBe(digest);
  });
});

describe('a replacement', () => {
  const joining = 'replace.2';

  it('gives the member the identity that the leader has found, with reconfig disabled', () => {
    const e = new Ensemble();
    e.h.flags = 0;
    expect(e.reconfig({ joining }).error).toBe(Err.newConfigNoQuorum);
    const forged = new Map([[2, identityOf(77)]]);
    const body = withIdentities(requestBody({ joining }), forged);
    const { client, h } = e;
    client.sequence++;
    const { high, low, generation, sequence } = client;
    const write = { kind: CommandKind.write, opcode: Op.reconfig, identities: SUPER, body };
    const { error, zxid } = h.command({ ...write, high, low, generation, sequence });
    expect(error).toBe(Err.ok);
    expect(h.data(CONFIG)).toBe(`${GENESIS_TEXT}\nversion=${zxid.toString(16)}`);
    const identities = h.state.membership?.members.map((member) => member.identity[0]);
    expect(identities).toEqual([1, 77, 3, 4]);
  });

  it('is refused to others, even to those who may reconfigure', () => {
    const e = new Ensemble();
    const open = { path: CONFIG, acl: [{ perms: 31, scheme: 'world', id: 'anyone' }] };
    expect(e.client.send({ opcode: Op.setACL, ...open }).error).toBe(Err.ok);
    e.client.identities = Identities.none;
    expect(e.reconfig({ leaving: '4' }).error).toBe(Err.ok);
    expect(e.reconfig({ joining, identities: [2] }).error).toBe(Err.noAuth);
    e.h.flags |= CommandFlag.skipACL;
    expect(e.reconfig({ joining, identities: [2] }).error).toBe(Err.ok);
  });

  it('may be asked for by who is on the machine of a member, who may change nothing else', () => {
    const e = new Ensemble();
    e.client.identities = new Identities([{ scheme: 'local', id: 'operator' }]);
    expect(e.reconfig({ leaving: '4' }).error).toBe(Err.noAuth);
    expect(e.reconfig({ joining: FIVE, identities: [5] }).error).toBe(Err.noAuth);
    // As the leader proposes it, which looks up no identity for who may not ask.
    expect(e.reconfig({ joining: FIVE }).error).toBe(Err.noAuth);
    expect(e.reconfig({ joining, identities: [2] }).error).toBe(Err.ok);
  });

  it('names a member of an ensemble, and nothing else', () => {
    expect(errorOf({ joining: 'replace.9', identities: [9] })).toBe(Err.badArguments);
    expect(errorOf({ joining, leaving: '4', identities: [2] })).toBe(Err.badArguments);
    expect(errorOf({ joining, version: 1, identities: [2] })).toBe(Err.badVersion);
  });
});

it('utf-8 in a request is a name like any other', () => {
  const e = new Ensemble();
  const joining = 'server.5=zö5:1:2;3';
  expect(utf8Encode(joining).length).toBeGreaterThan(joining.length);
  expect(e.reconfig({ joining, identities: [5] }).error).toBe(Err.ok);
  expect(e.h.data(CONFIG)).toContain('server.5=zö5:1:2:participant');
});
