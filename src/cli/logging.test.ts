import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, type LoggingOptions, type ProcessLogger } from './logging.ts';

let directory = '';
let fd = -1;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quoll-log-'));
  fd = openSync(join(directory, 'log'), 'a');
});

afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

function logger(options: Partial<LoggingOptions> = {}): ProcessLogger {
  return createLogger({
    level: 'info',
    format: 'auto',
    isTerminal: false,
    colours: false,
    fd,
    openDelayMs: 0,
    ...options,
  });
}

function written(): string {
  return readFileSync(join(directory, 'log'), 'utf8');
}

function lines(): Record<string, unknown>[] {
  return written()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));
}

describe('the logger of the process', () => {
  it('writes JSON lines where nobody watches', async () => {
    const log = logger();
    await log.open();
    log.info({ port: 2181 }, 'serving');
    await log.close();
    expect(lines()).toMatchObject([{ level: 'info', port: 2181, msg: 'serving' }]);
  });

  it('keeps lines that come before it is open, with their time', async () => {
    const log = logger();
    const before = Date.now();
    log.warn({}, 'early');
    const after = Date.now();
    expect(written()).toBe('');
    await log.open();
    log.info({}, 'late');
    await log.close();
    const [early, late] = lines();
    expect([early?.msg, late?.msg]).toEqual(['early', 'late']);
    expect(early?.time).toBeGreaterThanOrEqual(before);
    expect(early?.time).toBeLessThanOrEqual(after);
  });

  it('loses nothing when the process ends before it was open', () => {
    const log = logger();
    log.error({ error: new Error('disk gone') }, 'stopped');
    log.flush();
    log.flush();
    expect(lines()).toMatchObject([{ level: 'error', msg: 'stopped' }]);
    expect(lines()[0]?.error).toContain('disk gone');
  });

  it('leaves out what is below its level', async () => {
    const log = logger({ level: 'warn' });
    log.debug({}, 'a');
    await log.open();
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
    await log.close();
    expect(lines().map((line) => line.msg)).toEqual(['c', 'd']);
  });

  it('keeps the order of many lines, and loses none', async () => {
    const log = logger();
    await log.open();
    for (let n = 0; n < 500; n++) log.info({ n }, 'line');
    await log.close();
    expect(lines().map((line) => line.n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('closes at once when nothing was logged', async () => {
    const log = logger();
    await log.open();
    await log.close();
    await log.close();
    expect(lines()).toEqual([]);
  });

  it('shows errors with their stack', async () => {
    const log = logger();
    await log.open();
    log.error({ error: new TypeError('x') }, 'failed');
    await log.close();
    expect(lines()[0]?.error).toMatchObject({
      type: 'TypeError',
      message: 'x',
      stack: expect.stringContaining('logging.test'),
    });
  });

  it('writes for people on a terminal, and where it is told to', async () => {
    for (const options of [{ isTerminal: true }, { format: 'pretty' } as const]) {
      const log = logger(options);
      await log.open();
      log.info({ port: 2181 }, 'serving');
      await log.close();
    }
    const text = written();
    expect(text.match(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: serving\n {4}port: 2181$/gm)).toHaveLength(
      2,
    );
    expect(text).not.toContain('\u001b[');
  });

  it('writes JSON on a terminal too when it is told to', async () => {
    const log = logger({ isTerminal: true, format: 'json' });
    await log.open();
    log.info({}, 'serving');
    await log.close();
    expect(lines()).toHaveLength(1);
  });
});
