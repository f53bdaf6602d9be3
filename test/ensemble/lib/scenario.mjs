// What all scenarios have in common: an ensemble, its clients, a floor on the rate of their writes
// before and after each fault, and the comparison at the end.
import { Crowd } from './crowd.mjs';
import { Ensemble } from './ensemble.mjs';

/** Writes a second of all clients together; far below what is usual, far above a standstill. */
const rateFloor = 50;

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
 * Makes an ensemble for `body`, and ends it whatever happens. `prepare` is given the ensemble before
 * it starts; `cleanUp` comes after its end.
 */
export async function withEnsemble(context, name, options, body) {
  const { binary, size, report } = context;
  const ensemble = await Ensemble.create(name, { size, binary, ...options });
  const failedBefore = report.failed;
  try {
    options.prepare?.(ensemble);
    await ensemble.startAll();
    await body(ensemble);
  } catch (error) {
    if (report.failed === failedBefore) report.check('runs to its end', [String(error.stack)]);
  } finally {
    const hasFailed = report.failed > failedBefore;
    await ensemble.stopAll();
    options.cleanUp?.();
    if (hasFailed) report.progress(`kept: ${ensemble.directory}`);
    else ensemble.removeFiles();
  }
}

/** The same with clients; `homes`, once the ensemble serves, names the servers that get them. */
export async function withCrowd(context, name, options, body) {
  await withEnsemble(context, name, options, async (ensemble) => {
    const scenario = new Scenario(context, name, ensemble);
    const { crowd } = scenario;
    try {
      await crowd.open(await options.homes?.(ensemble));
      await body(scenario);
    } catch (error) {
      const failures = crowd.failures();
      throw failures.length === 0 ? error : new Error(failures.join('; '), { cause: error });
    } finally {
      await crowd.close();
    }
  });
}
