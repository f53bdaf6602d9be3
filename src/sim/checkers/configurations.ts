import type { Evidence } from '../evidence.ts';

/**
 * Who votes in the consensus and who belongs to the ensemble by its state are the same at every
 * slot: a stop-sign brings what its own command makes of the membership, and the membership changes
 * by stop-signs only. Where they part, somebody votes whom no client can see or remove.
 *
 * Source: rule 21, reconfiguration is a command of the log like any other.
 */
export function checkConfigurations({ log }: Evidence): string[] {
  const breaches: string[] = [];
  let known = 0;
  for (const { slot, configuration, members } of log) {
    const number = members?.number ?? 0;
    if (configuration === undefined) {
      if (number !== known) breaches.push(`slot ${slot} changes the members, and is no stop-sign`);
    } else {
      const voters = configuration.quorums.voters.map(({ id }) => id);
      const decides = `${configuration.id}: ${voters.sort(byNumber)} and ${configuration.observers}`;
      const named = (role: string): number[] =>
        (members?.members ?? []).filter((one) => one.role === role).map(({ id }) => id);
      const belongs = `${number}: ${named('participant')} and ${named('observer')}`;
      if (decides !== belongs)
        breaches.push(`slot ${slot} makes it ${decides}; members ${belongs}`);
    }
    known = number;
  }
  return breaches;
}

const byNumber = (a: number, b: number): number => a - b;
