import { z } from 'zod';
import { problemCodes } from '../problems/problem-codes.ts';

const schemaObject = z.record(z.string(), z.unknown());
const contentSchema = z.record(z.string(), z.looseObject({ schema: schemaObject.optional() }));
const operationSchema = z.looseObject({
  summary: z.string().optional(),
  tags: z.array(z.string()).optional(),
  parameters: z
    .array(
      z.looseObject({
        name: z.string(),
        in: z.string(),
        required: z.boolean().optional(),
        description: z.string().optional(),
        schema: schemaObject.optional(),
      }),
    )
    .optional(),
  requestBody: z.looseObject({ content: contentSchema }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({ description: z.string().optional(), content: contentSchema.optional() }),
  ),
});
const documentSchema = z.looseObject({
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.looseObject({ schemas: z.record(z.string(), schemaObject).optional() }).optional(),
});

interface Operation extends z.infer<typeof operationSchema> {
  id: string;
  method: string;
  path: string;
  tag: string;
}

const methods = new Set(['get', 'post', 'put', 'patch', 'delete']);

/** The whole OpenAPI document as one page that needs no script. */
export function renderReference(openapi: unknown): string {
  const document = documentSchema.parse(openapi);
  const operations = operationsOf(document.paths);
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const nav = tags
    .map((tag) => {
      const links = operations
        .filter((operation) => operation.tag === tag)
        .map(
          ({ id, method, path }) =>
            `<li><a href="#${id}">${method.toUpperCase()} ${escapeHtml(shortPath(path))}</a></li>`,
        );
      return `<strong>${escapeHtml(tag)}</strong><ul>${links.join('')}</ul>`;
    })
    .join('');
  const schemas = Object.entries(document.components?.schemas ?? {});
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(document.info.title)} · API reference</title>
<link rel="stylesheet" href="/pages.css">
</head>
<body class="reference">
<nav><p><a href="/docs/">Try it</a> · <a href="/openapi.json">openapi.json</a></p>${nav}
<strong>more</strong><ul><li><a href="#problems">Errors</a></li><li><a href="#schemas">Schemas</a></li></ul></nav>
<main>
<h1>${escapeHtml(document.info.title)} <span class="quiet">v${escapeHtml(document.info.version)}</span></h1>
${operations.map(renderOperation).join('\n')}
<h2 id="problems">Errors</h2>
<p>Every refusal is <code>application/problem+json</code> (RFC 9457) with one of these codes.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th></tr>${Object.entries(problemCodes)
    .map(
      ([code, { status, title, help }]) =>
        `<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td>${escapeHtml(title)}. ${escapeHtml(help)}</td></tr>`,
    )
    .join('')}</table>
<h2 id="schemas">Schemas</h2>
${schemas
  .map(
    ([name, schema]) =>
      `<section id="schema-${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3>${renderSchema(schema)}</section>`,
  )
  .join('\n')}
</main>
</body>
</html>
`;
}

function operationsOf(paths: z.infer<typeof documentSchema>['paths']): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, value]) => {
      if (!methods.has(method)) return [];
      const operation = operationSchema.parse(value);
      const id = `${method}-${path.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')}`;
      return [{ ...operation, id, method, path, tag: operation.tags?.[0] ?? 'other' }];
    }),
  );
}

function renderOperation(operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: where, required, description, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code>${required === true ? '' : ' <span class="quiet">optional</span>'}</td><td>${escapeHtml(where)}</td><td>${escapeHtml(description ?? '')} <code>${escapeHtml(shortSchema(schema))}</code></td></tr>`,
  );
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<p class="quiet">Body, ${escapeHtml(type)}</p>${renderSchema(schema)}`,
  );
  const responses = Object.entries(operation.responses).map(
    ([status, { description }]) => `<tr><td>${escapeHtml(status)}</td><td>${renderInline(description ?? '')}</td></tr>`,
  );
  const good = Object.entries(operation.responses).flatMap(([status, { content }]) =>
    status.startsWith('2') ? Object.values(content ?? {}).map(({ schema }) => renderSchema(schema)) : [],
  );
  return `<section id="${operation.id}">
<h3><span class="method">${operation.method.toUpperCase()}</span> <code>${escapeHtml(operation.path)}</code></h3>
<p>${escapeHtml(operation.summary ?? '')}</p>
${parameters.length === 0 ? '' : `<table>${parameters.join('')}</table>`}
${bodies.join('')}
${good.length === 0 ? '' : `<p class="quiet">Answer</p>${good.join('')}`}
<details><summary>Statuses</summary><table>${responses.join('')}</table></details>
</section>`;
}

function renderSchema(schema: Record<string, unknown> | undefined): string {
  if (schema === undefined) return '';
  const name = referenceOf(schema);
  if (name !== undefined) return `<p><a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a></p>`;
  const text = escapeHtml(JSON.stringify(schema, undefined, 2));
  const linked = text.replaceAll(
    /#\/components\/schemas\/([\w.-]+)/g,
    (whole, target: string) => `<a href="#schema-${target}">${whole}</a>`,
  );
  return `<pre>${linked}</pre>`;
}

function shortSchema(schema: Record<string, unknown> | undefined): string {
  if (schema === undefined) return '';
  const { description: _description, ...rest } = schema;
  return JSON.stringify(rest).slice(0, 200);
}

function referenceOf(schema: Record<string, unknown>): string | undefined {
  const reference = schema['$ref'];
  return typeof reference === 'string' ? /([\w.-]+)$/.exec(reference)?.[1] : undefined;
}

function shortPath(path: string): string {
  return path.replace(/^\/api\/v1/, '');
}

function renderInline(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
