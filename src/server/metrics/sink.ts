import type { Histogram, Summary } from '../../base/summary.ts';

/** Where metrics are told; `mntr` writes lines, other exporters what they need. */
export interface MetricsSink {
  gauge(name: string, value: number): void;
  /** A gauge that is not a whole number. */
  fraction(name: string, value: number): void;
  /** A gauge for each of several keys. */
  keyedGauge(name: string, key: string, value: number): void;
  counter(name: string, value: number): void;
  summary(name: string, summary: Summary): void;
  /** A summary with quantiles. */
  histogram(name: string, histogram: Histogram): void;
}
