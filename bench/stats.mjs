// Arithmetic on samples, and how figures are written for people.

export function quantile(samples, fraction) {
  if (samples.length === 0) return null;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];
}

/** The mean of the middle two when their number is even, so that two rounds do not pick the worse. */
export function median(samples) {
  if (samples.length === 0) return null;
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Half the distance between the extremes, as a share of the median: how far to trust a figure. */
export function spread(samples) {
  const middle = median(samples);
  if (!middle) return null;
  return (Math.max(...samples) - Math.min(...samples)) / 2 / middle;
}

export function formatNumber(value) {
  if (value === null || value === undefined) return '–';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

export function formatValue(value, unit) {
  if (value === null || value === undefined) return '–';
  return unit === '/s' ? `${formatNumber(value)}/s` : `${formatNumber(value)} ${unit}`.trimEnd();
}
