import { listFiles } from './repository.ts';

/** A fenced block of code in a page. */
export interface CodeBlock {
  /** Relative to the repository. */
  readonly page: string;
  /** The line of its opening fence, from 1. */
  readonly line: number;
  /** The first word after the fence: `ts`, `sh`. */
  readonly language: string;
  /** The words after the language. */
  readonly flags: readonly string[];
  readonly code: string;
}

/** Returns the pages that people read: every Markdown file of the repository. */
export function listPages(): string[] {
  return listFiles().filter((path) => path.endsWith('.md'));
}

/** Returns the fenced blocks of one page, in their order. */
export function codeBlocks(page: string, text: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { line: number; info: string; indent: string; body: string[] } | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const fence = /^( *)```(.*)$/.exec(line);
    if (!open) {
      if (fence) open = { line: at + 1, info: fence[2]!.trim(), indent: fence[1]!, body: [] };
    } else if (fence && fence[2]!.trim() === '') {
      const [language = '', ...flags] = open.info.split(/\s+/);
      blocks.push({ page, line: open.line, language, flags, code: open.body.join('\n') });
      open = undefined;
    } else {
      open.body.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  if (open) throw new Error(`${page}:${open.line}: the code block has no end`);
  return blocks;
}

/** Returns what the links of a page point at, without those in code. */
export function linkTargets(text: string): string[] {
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map((match) => match[1]!);
  const named = [...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)].map((match) => match[1]!);
  const html = [...prose.matchAll(/<(?:a|img|source)\b[^>]*?(?:href|src|srcset)="([^"]+)"/g)].map((match) => match[1]!);
  return [...inline, ...named, ...html];
}

/** Returns the anchors that a page's headings have on the usual hosts. */
export function anchors(text: string): string[] {
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');
  const seen = new Map<string, number>();
  return [...prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map((match) => {
    const slug = match[1]!
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}
