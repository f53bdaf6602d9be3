import type { ConfigKey, KeySection } from './key.ts';
import { clientPort, limits, sessions } from './keys/client-port.ts';
import { ensemble } from './keys/ensemble.ts';
import { gossip } from './keys/gossip.ts';
import { admin, machine } from './keys/machine.ts';
import { security } from './keys/security.ts';
import { own, storage } from './keys/storage.ts';
import { tls } from './keys/tls.ts';

/** Every key there is, in the order in which people read about them. */
export const KEY_SECTIONS: readonly KeySection[] = [
  clientPort,
  sessions,
  storage,
  limits,
  security,
  own,
  ensemble,
  gossip,
  tls,
  admin,
  machine,
];

export const CONFIG_KEYS: readonly ConfigKey[] = KEY_SECTIONS.flatMap((section) => section.keys);

const byName = new Map<string, ConfigKey>();
const byProperty = new Map<string, ConfigKey>();
const families: ConfigKey[] = [];

for (const key of CONFIG_KEYS) {
  if (isFamily(key)) {
    families.push(key);
    continue;
  }
  byName.set(key.name, key);
  if (key.property !== null) byProperty.set(key.property, key);
}

/** A key as zoo.cfg spells it. */
export function keyByName(name: string): ConfigKey | undefined {
  return byName.get(name) ?? families.find((family) => belongs(name, family.name));
}

/** A key as the JVM's command line spells it. */
export function keyByProperty(property: string): ConfigKey | undefined {
  const exact = byProperty.get(property);
  if (exact !== undefined) return exact;
  return families.find((family) => family.property !== null && belongs(property, family.property));
}

/** Whether the row stands for many keys, as `server.<id>` does. */
export function isFamily(key: ConfigKey): boolean {
  return key.name.endsWith('>');
}

function belongs(name: string, pattern: string): boolean {
  const stem = pattern.slice(0, pattern.indexOf('<'));
  return name.length > stem.length && name.startsWith(stem);
}
