import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';

/** The declarations of one `.d.ts` file. */
interface Declarations {
  /** Text of each declared name, overloads together, without comments. */
  readonly declared: ReadonlyMap<string, string>;
  /** Where each imported or re-exported name comes from. */
  readonly imported: ReadonlyMap<string, Source>;
  readonly exported: ReadonlyMap<string, Source>;
}

interface Source {
  /** The module that defines it; undefined for the same file. */
  readonly from: string | undefined;
  readonly name: string;
}

/**
 * Returns the public surface of a package's entry as one text: each exported declaration, then each that those reach
 * inside of the package. Sorted, and without comments, so that it changes only when the surface does.
 */
export function surfaceOf(entry: string): string {
  const files = new Map<string, Declarations>();
  const read = (file: string): Declarations => {
    const known = files.get(file) ?? readDeclarations(file);
    files.set(file, known);
    return known;
  };
  const exported: string[] = [];
  const reached = new Map<string, string>();
  const open: { file: string; name: string }[] = [];

  /** Follows a name through re-exports to the file that declares it, or to another package. */
  const locate = (file: string, source: Source): { file: string; name: string } | string => {
    if (source.from === undefined) {
      const { imported } = read(file);
      const through = imported.get(source.name);
      return through ? locate(file, through) : { file, name: source.name };
    }
    if (!source.from.startsWith('.')) return `{ ${source.name} } from '${source.from}'`;
    const target = join(dirname(file), source.from.replace(/\.[jt]s$/, '.d.ts'));
    return locate(target, read(target).exported.get(source.name) ?? { from: undefined, name: source.name });
  };
  const take = ({ file, name }: { file: string; name: string }): string => {
    const text = read(file).declared.get(name);
    if (text === undefined) throw new Error(`${file} does not declare ${name}`);
    open.push({ file, name });
    return text;
  };

  const exportedKeys = new Set<string>();
  for (const [name, source] of read(entry).exported) {
    const found = locate(entry, source);
    if (typeof found === 'string') {
      exported.push(found.startsWith(`{ ${name} }`) ? `export ${found}` : `// as ${name}\nexport ${found}`);
    } else {
      exportedKeys.add(`${found.file}#${found.name}`);
      exported.push((found.name === name ? '' : `// as ${name}\n`) + take(found));
    }
  }
  for (let next = open.pop(); next; next = open.pop()) {
    const { declared, imported } = read(next.file);
    for (const [word] of declared.get(next.name)!.matchAll(/[A-Za-z_$][\w$]*/g)) {
      const source = imported.get(word) ?? (declared.has(word) ? { from: undefined, name: word } : undefined);
      const found = source && locate(next.file, source);
      if (!found || typeof found === 'string') continue;
      const key = `${found.file}#${found.name}`;
      if (!exportedKeys.has(key) && !reached.has(key)) reached.set(key, take(found));
    }
  }
  const inside = [...reached.values()].sort();
  if (inside.length > 0) inside.unshift('// Reached from the above, and not exported:');
  return `${[...exported.sort(), ...inside].join('\n\n')}\n`;
}

function readDeclarations(file: string): Declarations {
  const text = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const declared = new Map<string, string>();
  const imported = new Map<string, Source>();
  const exported = new Map<string, Source>();
  const plain = ({ start, end }: { start: number; end: number }): string => {
    let kept = '';
    let at = start;
    for (const comment of comments) {
      if (comment.start < start || comment.end > end) continue;
      kept += text.slice(at, comment.start);
      at = comment.end;
    }
    return (kept + text.slice(at, end)).replaceAll(/[ \t]+$/gm, '').replaceAll(/\n+/g, '\n');
  };

  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') {
      for (const specifier of statement.specifiers) {
        const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : '*';
        imported.set(specifier.local.name, { from: statement.source.value, name });
      }
      continue;
    }
    if (statement.type === 'ExportNamedDeclaration' && !statement.declaration) {
      for (const { local, exported: as } of statement.specifiers) {
        exported.set(nameOf(as), { from: statement.source?.value, name: nameOf(local) });
      }
      continue;
    }
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    for (const name of declaredNames(declaration)) {
      const before = declared.get(name);
      declared.set(name, (before ? `${before}\n` : '') + plain(statement));
      if (statement.type === 'ExportNamedDeclaration') exported.set(name, { from: undefined, name });
    }
  }
  return { declared, imported, exported };
}

function declaredNames(node: unknown): string[] {
  const { id, declarations } = node as { id?: { name: string }; declarations?: { id: { name: string } }[] };
  if (declarations) return declarations.map((each) => each.id.name);
  return id ? [id.name] : [];
}

function nameOf(node: { name?: unknown; value?: unknown }): string {
  return String(node.name ?? node.value);
}
