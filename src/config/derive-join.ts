import { type JoinAddress, parseJoinAddress } from '../protocol/join-address.ts';
import { type Derivation, report } from './derivation.ts';
import { refuseOpenGossip } from './derive-gossip.ts';
import type { EnsembleManners, JoinConfig } from './server-config.ts';

const KEY = 'gossip.join';

/** An observer that nobody configures: it has addresses to ask, and no server line of its own. */
export function deriveJoin(d: Derivation, manners: EnsembleManners): JoinConfig {
  const addresses: JoinAddress[] = [];
  for (const text of d.settings.words(KEY)) {
    const address = parseJoinAddress(text);
    if (typeof address === 'string') report(d, 'error', KEY, address);
    else addresses.push(address);
  }
  refuseOpenGossip(
    d,
    KEY,
    addresses.map(({ host }) => host),
  );
  const hasLines = [...d.settings.all()].some(({ name }) => name.startsWith('server.'));
  if (addresses.length > 0 && hasLines) {
    const message =
      'is for observers that no server line names: remove the server lines, or this key and ' +
      'start it as the member that they make of it';
    report(d, 'error', KEY, message);
  }
  return { ...manners, addresses };
}
