/** Runs checks, tells of each as it falls, and counts. */
export interface Checks {
  /** Begins a part of the demo. */
  part(title: string): void;
  /** Shows a value that a check is about. */
  show(label: string, value: string): void;
  /** Holds when `value` is true; `detail` says what was seen, either way. */
  holds(claim: string, value: boolean, detail?: string): void;
  /** Says loudly that a check was left out, and why: it does not fail, and is not counted as held. */
  notRun(claim: string, why: string): void;
  /** Prints the count, and returns the exit status. */
  end(): number;
}

const COLOURS = { bold: '1', dim: '2', green: '32', red: '31', yellow: '33', cyan: '36' } as const;

/** @param terminal Plain when it is not a terminal, or `NO_COLOR` is set. */
export function createChecks(terminal: { write(text: string): unknown; isTTY?: boolean }, noColour: boolean): Checks {
  const paint = (colour: keyof typeof COLOURS, text: string): string =>
    terminal.isTTY === true && !noColour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  const line = (text = ''): void => void terminal.write(`${text}\n`);
  let held = 0;
  let failed = 0;
  let left = 0;
  return {
    part: (title) => line(`\n${paint('bold', title)}`),
    show: (label, value) => {
      const [first = '', ...rest] = value.split('\n');
      line(`    ${paint('dim', label.padEnd(11))} ${paint('cyan', first)}`);
      for (const more of rest) line(`    ${' '.repeat(11)} ${paint('cyan', more)}`);
    },
    holds(claim, value, detail) {
      if (value) held++;
      else failed++;
      const mark = value ? paint('green', '✓') : paint('red', '✗');
      line(`  ${mark} ${claim}${detail === undefined ? '' : paint('dim', `  ${detail}`)}`);
    },
    notRun(claim, why) {
      left++;
      line(`  ${paint('yellow', '!')} ${claim}  ${paint('yellow', `NOT RUN: ${why}`)}`);
    },
    end() {
      const count = `${held} checks held, ${failed} failed${left === 0 ? '' : `, ${left} NOT RUN`}`;
      line(`\n${paint(failed > 0 ? 'red' : left > 0 ? 'yellow' : 'green', count)}`);
      return failed === 0 ? 0 : 1;
    },
  };
}
