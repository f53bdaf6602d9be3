/** Where a setting stands, so that whoever has to change it can go there. */
export type Source =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'property' }
  | { readonly kind: 'flag'; readonly flag: string };

export type Severity = 'error' | 'warning' | 'info';

/** Something to say about a configuration. An error means that no server may start from it. */
export interface Problem {
  readonly severity: Severity;
  readonly source: Source;
  /** The key as it was written; null where the text has none. */
  readonly key: string | null;
  /** A sentence: what is wrong, what is allowed, what to do. */
  readonly message: string;
}

export function formatSource(source: Source): string {
  switch (source.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${source.path}:${source.line}`;
    case 'environment':
      return source.variable;
    case 'property':
      return '-D';
    case 'flag':
      return source.flag;
  }
}

/** One line without its severity: `zoo.cfg:3: tickTime: must be …`. */
export function formatProblem(problem: Problem): string {
  const where = problem.source.kind === 'default' ? '' : `${formatSource(problem.source)}: `;
  return `${where}${problem.key === null ? '' : `${problem.key}: `}${problem.message}`;
}
