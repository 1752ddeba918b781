import {
  openApiDocument,
  webhookCatalogue,
  type CatalogueEvent,
  type CatalogueField,
} from '@waybill/contracts';

/** A piece of HTML; everything that is not one is escaped. */
interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[] | undefined;

function render(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') {
    return String(part).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  }
  return 'html' in part ? part.html : part.map(render).join('');
}

/** Text with `code` between backticks. */
function prose(text: string): Html[] {
  return text
    .split('`')
    .map((piece, i) => (i % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`));
}

function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, i) => text + render(parts[i])).join('') };
}

const STYLE = `
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.8rem}h2{margin-top:2.5rem;border-bottom:1px solid #8886}h3{margin-bottom:.2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid #8884}
code,pre{font:.88em ui-monospace,monospace}pre{background:#8882;padding:.8rem;overflow-x:auto;border-radius:4px}
nav a{margin-right:1rem}.muted{opacity:.7}.required{font-weight:600}`;

interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

interface Scheme {
  readonly name?: string;
  readonly scheme?: string;
  readonly description: string;
}

function boundsOf({ minimum, maximum, decimals, format }: CatalogueField): string {
  const hasRange = minimum !== undefined || maximum !== undefined;
  const range = hasRange ? [`${minimum ?? ''} … ${maximum ?? ''}`] : [];
  const scale = decimals === undefined ? [] : [`${decimals} decimals`];
  return [...range, ...scale, ...(format === undefined ? [] : [format])].join('; ');
}

function fieldRow(field: CatalogueField): Html {
  return html`<tr>
    <td><code>${field.name}</code><br /><span class="muted">${field.need}</span></td>
    <td>${field.type}</td>
    <td>${field.unit}</td>
    <td><code>${boundsOf(field)}</code></td>
    <td>${field.meaning}</td>
  </tr>`;
}

function eventSection(entry: CatalogueEvent): Html {
  const { event, version, meaning, consumer, effect, topic, fields, example } = entry;
  return html`<h3 id="${event}"><code>${event}</code> <span class="muted">${version}</span></h3>
    <p>${meaning} For ${consumer}: ${effect}. Leaves as <code>${topic}</code>.</p>
    <table>
      <tr>
        <th>field of data</th>
        <th>type</th>
        <th>unit</th>
        <th>range, format</th>
        <th>meaning</th>
      </tr>
      ${fields.map(fieldRow)}
    </table>
    <pre>${JSON.stringify(example, null, 2)}</pre>`;
}

function answerRow([status, { description, headers = {}, content = {} }]: [string, Answer]): Html {
  return html`<tr>
    <td><code>${status}</code></td>
    <td>${prose(description)}</td>
    <td>${Object.keys(headers).join(', ')}</td>
    <td>${Object.keys(content).join(', ')}</td>
  </tr>`;
}

function schemeRow({ name, scheme, description }: Scheme): Html {
  return html`<tr>
    <td><code>${name ?? `Authorization: ${scheme ?? ''}`}</code></td>
    <td>${prose(description)}</td>
  </tr>`;
}

/** The OpenAPI description for people: one page, no scripts, nothing from elsewhere. */
export function docsPage(): string {
  // Our own document; its shape is compared with the committed file by the contracts' tests.
  const document = openApiDocument() as {
    info: { title: string; version: string; description: string };
    paths: Record<string, { post?: { responses: Record<string, Answer>; summary: string } }>;
    components: { securitySchemes: Record<string, Scheme> };
  };
  const { info, paths, components } = document;
  const posts = Object.entries(paths).flatMap(([path, { post }]) => (post ? [{ path, post }] : []));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${info.title}</title>
        <style>
          ${{ html: STYLE }}
        </style>
      </head>
      <body>
        <h1>${info.title} <span class="muted">${info.version}</span></h1>
        <p>${info.description}</p>
        <nav>
          <a href="/openapi.json">OpenAPI 3.1</a
          ><a href="/webhook-catalogue.csv">Catalogue (CSV)</a>
        </nav>
        <h2>Addresses</h2>
        <table>
          ${posts.map(
            ({ path, post }) =>
              html`<tr>
                <td><code>POST ${path}</code></td>
                <td>${prose(post.summary)}</td>
              </tr>`,
          )}
        </table>
        <h2>Authentication</h2>
        <table>
          ${Object.values(components.securitySchemes).map(schemeRow)}
        </table>
        <h2>Events</h2>
        <p>
          The body is one envelope <code>{event, id, data}</code>, or an array of up to 1,000 with
          different ids, taken or refused as a whole. Every request carries an
          <code>Idempotency-Key</code>, the same in every repeat. Further fields are allowed and
          kept.
        </p>
        <nav>
          ${webhookCatalogue.map(({ event }) => html`<a href="#${event}"><code>${event}</code></a>`)}
        </nav>
        ${webhookCatalogue.map(eventSection)}
        <h2>Answers</h2>
        <table>
          <tr>
            <th>status</th>
            <th>meaning</th>
            <th>headers</th>
            <th>body</th>
          </tr>
          ${Object.entries(posts[0]?.post.responses ?? {}).map(answerRow)}
        </table>
      </body>
    </html>`;
  return page.html;
}
