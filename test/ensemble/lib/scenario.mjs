// What all scenarios have in common: an ensemble, its clients, a floor on the rate of their writes
// before and after each fault, and the comparison at the end.
import { Crowd } from './crowd.mjs';
import { Ensemble } from './ensemble.mjs';

/** Writes a second of all clients together; far below what is usual, far above a standstill. */
const rateFloor = 100;

export class Scenario {
  gapsMs = [];

  constructor(context, name, ensemble) {
    this.name = name;
    this.report = context.report;
    this.random = context.random;
    this.rounds = context.rounds;
    this.ensemble = ensemble;
    this.crowd = new Crowd(ensemble, context.random);
  }

  async #checkRate(when) {
    const rate = await this.crowd.rate();
    if (rate >= rateFloor) return { rate, problem: null };
    return { rate, problem: `${rate} writes a second ${when} the fault, want ${rateFloor}` };
  }

  /**
   * One fault from load to comparison: `strike` does it, and everybody must be answered again while
   * it lasts; `mend` brings the servers back. Clients of servers in `untouched` keep their
   * connections throughout.
   */
  async fault(title, { strike, mend = () => {}, untouched, isAnsweredDuring = true }) {
    const { crowd } = this;
    crowd.start();
    const before = await this.#checkRate('before');
    crowd.takeGapMs(untouched);
    const kept = this.#connectionsOf(untouched);
    const startedMs = performance.now();
    await strike();
    if (isAnsweredDuring) await crowd.allAnswered();
    const during = isAnsweredDuring ? await this.#checkRate('during') : { rate: 0, problem: null };
    const gapMs = crowd.takeGapMs(untouched);
    await mend();
    await crowd.allAnswered();
    const after = await this.#checkRate('after');
    const problems = await crowd.verify();
    const lost = kept.filter(([client, connection]) => client.connection !== connection);
    const isGood = this.report.check(`${title}`, [
      ...problems,
      ...[before, during, after].map(({ problem }) => problem),
      ...lost.map(([client]) => `${client.name} lost its connection, though its server lives`),
    ]);
    if (untouched.length > 0) this.gapsMs.push(gapMs);
    const tookMs = Math.round(performance.now() - startedMs);
    const rates = [before, during, after].map(({ rate }) => rate).join(', ');
    const gap = untouched.length > 0 ? `gap ${gapMs} ms, ` : '';
    this.report.progress(`${title}: ${gap}${rates} writes/s, ${tookMs} ms in all`);
    if (!isGood) throw new Error('the rest of this scenario is left out');
    await crowd.goHome();
  }

  #connectionsOf(ids) {
    const clients = this.crowd.clients.filter(({ at }) => ids.includes(at));
    return clients.map((client) => [client, client.connection]);
  }

  reportGaps(what) {
    const sorted = this.gapsMs.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1];
    const { length } = sorted;
    const worst = sorted.at(-1);
    this.report.note(`${what}: gap of writes median ${median} ms, max ${worst} ms over ${length}`);
    this.gapsMs = [];
  }
}

/**
 * Makes an ensemble with clients for `body`, and ends it whatever happens. `prepare` is given the
 * ensemble before it starts; `homes`, once it serves, names the servers that get clients;
 * `cleanUp` comes after its end.
 */
export async function withCrowd(context, name, options, body) {
  const { binary, size } = context;
  const ensemble = await Ensemble.create(name, { size, binary, ...options });
  const scenario = new Scenario(context, name, ensemble);
  const failedBefore = context.report.failed;
  try {
    options.prepare?.(ensemble);
    await ensemble.startAll();
    await scenario.crowd.open(await options.homes?.(ensemble));
    await body(scenario);
  } catch (error) {
    if (context.report.failed === failedBefore) {
      context.report.check('runs to its end', [String(error.stack), ...scenario.crowd.failures()]);
    }
  } finally {
    const hasFailed = context.report.failed > failedBefore;
    await scenario.crowd.close();
    await ensemble.stopAll();
    options.cleanUp?.();
    if (!hasFailed) ensemble.removeFiles();
    else context.report.progress(`kept: ${ensemble.directory}`);
  }
}
