/** By which days a year of the books is cut. */
export interface FiscalYear {
  /** The day on which it begins, as `MM-DD`. */
  readonly start: string;
  /** An IANA time zone: the day begins there. */
  readonly zone: string;
}

/** A year of the books: instants in milliseconds since the epoch, the first in it and the first after it. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Farther from UTC than any place is at any time. */
const DAY_AND_SOME_MS = 36 * 3_600_000;

/**
 * Returns the year of the books that an instant is in. It begins with the first instant of its day in its zone, which
 * need not be midnight: some zones put their clocks forward then. A year that begins on 29 February begins on 1 March
 * where there is none.
 */
export function periodAt(ms: number, { start, zone }: FiscalYear): Period {
  const dayOf = dayFormat(zone);
  const year = Number(dayOf(ms).slice(0, 4));
  const fromMs = firstInstant(`${padded(year)}-${start}`, dayOf);
  return ms < fromMs
    ? { fromMs: firstInstant(`${padded(year - 1)}-${start}`, dayOf), toMs: fromMs }
    : { fromMs, toMs: firstInstant(`${padded(year + 1)}-${start}`, dayOf) };
}

/** Returns the first instant at which a zone has a day, `YYYY-MM-DD`, or one after it. */
function firstInstant(day: string, dayOf: (ms: number) => string): number {
  // What is no day of its year, 29 February, is the next one there.
  const utcMs = Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1, Number(day.slice(8)));
  let before = utcMs - DAY_AND_SOME_MS;
  let after = utcMs + DAY_AND_SOME_MS;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dayOf(middle) < day) before = middle;
    else after = middle;
  }
  return after;
}

/** Returns what says which day, `YYYY-MM-DD`, an instant is on in a zone. */
function dayFormat(zone: string): (ms: number) => string {
  // Without the calendars of the world, which take time at a start and memory ever after.
  if (zone === 'UTC') return (ms) => new Date(ms).toISOString().slice(0, 10);
  const format = new Intl.DateTimeFormat('en-u-ca-iso8601', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return `${padded(Number(parts.get('year')))}-${parts.get('month')}-${parts.get('day')}`;
  };
}

function padded(year: number): string {
  return String(year).padStart(4, '0');
}
