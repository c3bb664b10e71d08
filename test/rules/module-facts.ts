import { parseSync, Visitor } from 'oxc-parser';

/** One place where a module names another. */
export interface ModuleImport {
  readonly specifier: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
  /** True for `import()` and `require()`, which load late. */
  readonly late: boolean;
}

/** What the rules ask about one source file. */
export interface ModuleFacts {
  readonly imports: readonly ModuleImport[];
  readonly exportsDefault: boolean;
  readonly exportsStar: boolean;
  readonly awaitsAtTopLevel: boolean;
  readonly readsEnvironment: boolean;
}

/**
 * Reads the facts of one TypeScript module.
 *
 * @throws {Error} The text does not parse.
 */
export function moduleFacts(path: string, text: string): ModuleFacts {
  const { program, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const imports: ModuleImport[] = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const typeOnly =
      text.startsWith('import type', start) || (entries.length > 0 && entries.every((entry) => entry.isType));
    imports.push({ specifier: moduleRequest.value, typeOnly, late: false });
  }
  const exported = module.staticExports.flatMap((statement) => statement.entries);
  for (const entry of exported) {
    if (entry.moduleRequest) {
      imports.push({ specifier: entry.moduleRequest.value, typeOnly: entry.isType, late: false });
    }
  }

  let functions = 0;
  let awaitsAtTopLevel = false;
  let readsEnvironment = false;
  const late = (argument: { type: string } | undefined): void => {
    if (argument?.type !== 'Literal') return;
    imports.push({ specifier: String((argument as { value?: unknown }).value), typeOnly: false, late: true });
  };
  const enter = (): void => void (functions += 1);
  const leave = (): void => void (functions -= 1);
  new Visitor({
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
    AwaitExpression: () => void (awaitsAtTopLevel ||= functions === 0),
    ForOfStatement: (node) => void (awaitsAtTopLevel ||= node.await && functions === 0),
    VariableDeclarator: (node) => {
      readsEnvironment ||=
        node.init?.type === 'Identifier' &&
        node.init.name === 'process' &&
        node.id.type === 'ObjectPattern' &&
        node.id.properties.some((property) => property.type === 'Property' && nameOf(property.key) === 'env');
    },
    VariableDeclaration: (node) => void (awaitsAtTopLevel ||= node.kind === 'await using' && functions === 0),
    MemberExpression: (node) => {
      readsEnvironment ||=
        node.object.type === 'Identifier' && node.object.name === 'process' && nameOf(node.property) === 'env';
    },
    ImportDeclaration: (node) => {
      readsEnvironment ||=
        /^(node:)?process$/.test(node.source.value) &&
        node.specifiers.some(
          (specifier) => specifier.type === 'ImportSpecifier' && nameOf(specifier.imported) === 'env',
        );
    },
    ImportExpression: (node) => late(node.source),
    CallExpression: (node) => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') late(node.arguments[0]);
    },
    TSImportType: (node) => {
      imports.push({ specifier: String(node.source.value), typeOnly: true, late: false });
    },
  }).visit(program);

  return {
    imports,
    exportsDefault: exported.some(
      (entry) => entry.exportName.kind === 'Default' || entry.exportName.name === 'default',
    ),
    exportsStar: exported.some((entry) => entry.importName.kind === 'AllButDefault'),
    awaitsAtTopLevel,
    readsEnvironment,
  };
}

function nameOf(node: { type: string; name?: unknown; value?: unknown }): string {
  return String(node.name ?? node.value);
}
