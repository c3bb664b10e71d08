/** Label names and values of one series. Identity ids, origins and lease ids are never among them. */
export type Labels = Readonly<Record<string, string>>;

/** Numbers about the sidecar itself, for `GET /metrics`. */
export interface Metrics {
  /** Adds to a counter. */
  count(name: string, labels?: Labels, by?: number): void;
  /** Adds an observation, in seconds, to a histogram. */
  observe(name: string, seconds: number, labels?: Labels): void;
  /** Registers a gauge that is read at each scrape. */
  gauge(name: string, help: string, read: () => number | readonly { labels: Labels; value: number }[]): void;
  /** Describes a counter or histogram. Undescribed ones are refused, so that none is made by a typing error. */
  describe(name: string, type: 'counter' | 'histogram', help: string): void;
  /** Returns everything in the Prometheus text format 0.0.4. */
  render(): string;
}

/** Upper bounds in seconds. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
/** The most series of one metric; those beyond are folded into one, labelled `overflow`. */
const MAX_SERIES = 500;
const OVERFLOW: Labels = { overflow: 'true' };

interface Series {
  /** As the text format has them. */
  readonly labels: string;
  value: number;
  count: number;
  buckets: Float64Array | undefined;
}

interface Family {
  readonly type: 'counter' | 'histogram';
  readonly help: string;
  readonly series: Map<string, Series>;
}

export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const gauges = new Map<string, { help: string; read: () => number | readonly { labels: Labels; value: number }[] }>();

  const series = (name: string, labels: Labels | undefined): Series => {
    const family = families.get(name);
    if (!family) throw new TypeError(`metric "${name}" is not described`);
    const key = seriesKey(labels);
    let found = family.series.get(key);
    if (!found) {
      if (family.series.size >= MAX_SERIES && labels !== OVERFLOW) return series(name, OVERFLOW);
      found = {
        labels: labelText(labels),
        value: 0,
        count: 0,
        buckets: family.type === 'histogram' ? new Float64Array(BUCKETS.length) : undefined,
      };
      family.series.set(key, found);
    }
    return found;
  };

  return {
    describe(name, type, help) {
      families.set(name, { type, help, series: new Map() });
    },
    gauge(name, help, read) {
      gauges.set(name, { help, read });
    },
    count(name, labels, by = 1) {
      series(name, labels).value += by;
    },
    observe(name, seconds, labels) {
      const found = series(name, labels);
      found.value += seconds;
      found.count++;
      for (let i = BUCKETS.length - 1; i >= 0 && seconds <= BUCKETS[i]!; i--) found.buckets![i]!++;
    },
    render() {
      const lines: string[] = [];
      for (const [name, { type, help, series: all }] of families) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
        for (const { labels, value, count, buckets } of all.values()) {
          if (!buckets) {
            lines.push(`${name}${braces(labels)} ${value}`);
            continue;
          }
          BUCKETS.forEach((bound, i) => lines.push(`${name}_bucket${braces(labels, `le="${bound}"`)} ${buckets[i]}`));
          lines.push(`${name}_bucket${braces(labels, 'le="+Inf"')} ${count}`);
          lines.push(`${name}_sum${braces(labels)} ${value}`, `${name}_count${braces(labels)} ${count}`);
        }
      }
      for (const [name, { help, read }] of gauges) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
        const value = read();
        for (const line of typeof value === 'number' ? [{ labels: {}, value }] : value) {
          lines.push(`${name}${braces(labelText(line.labels))} ${line.value}`);
        }
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

/** Returns what tells one series from another; cheaper than the text of its labels, for every request asks. */
function seriesKey(labels: Labels | undefined): string {
  let key = '';
  for (const name in labels) key += `${name}\0${labels[name]}\0`;
  return key;
}

function labelText(labels: Labels | undefined): string {
  if (!labels) return '';
  let text = '';
  for (const name of Object.keys(labels)) {
    const value = labels[name]!.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
    text += `${text === '' ? '' : ','}${name}="${value}"`;
  }
  return text;
}

function braces(...parts: string[]): string {
  const text = parts.filter((part) => part !== '').join(',');
  return text === '' ? '' : `{${text}}`;
}
