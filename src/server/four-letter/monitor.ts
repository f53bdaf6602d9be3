import type { Histogram, Summary } from '../../base/summary.ts';
import type { ServerContext } from '../context.ts';
import type { ServerFacts } from '../facts.ts';
import { tellMetrics } from '../metrics/series.ts';
import type { MetricsSink } from '../metrics/sink.ts';
import { decimal } from './format.ts';

const QUANTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p999', 0.999],
] as const;

/** `mntr`. */
export function monitorText(facts: ServerFacts, context: ServerContext): string {
  const lines = new MonitorLines();
  lines.line('version', facts.version);
  lines.line('server_state', facts.mode());
  if (facts.ensemble !== null) {
    lines.line('peer_state', facts.ensemble.peerState());
    lines.line('quoll_state_digest', facts.ensemble.digestText());
  }
  tellMetrics(facts, context, lines);
  return lines.text;
}

/** Times are whole milliseconds that have passed, as ZooKeeper's are; only means have places. */
class MonitorLines implements MetricsSink {
  text = '';

  line(name: string, value: string): void {
    this.text += `zk_${name}\t${value}\n`;
  }

  gauge(name: string, value: number): void {
    this.line(name, `${Math.floor(value)}`);
  }

  fraction(name: string, value: number): void {
    this.line(name, decimal(value));
  }

  keyedGauge(name: string, key: string, value: number): void {
    this.gauge(`${key}_${name}`, value);
  }

  counter(name: string, value: number): void {
    this.gauge(name, value);
  }

  summary(name: string, summary: Summary): void {
    this.fraction(`avg_${name}`, summary.mean);
    this.gauge(`min_${name}`, summary.min);
    this.gauge(`max_${name}`, summary.max);
    this.gauge(`cnt_${name}`, summary.count);
    this.gauge(`sum_${name}`, summary.sum);
  }

  histogram(name: string, histogram: Histogram): void {
    this.summary(name, histogram);
    for (const [prefix, share] of QUANTILES) {
      this.gauge(`${prefix}_${name}`, histogram.quantile(share));
    }
  }
}
