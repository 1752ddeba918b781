import { openApiDocument, webhookCatalogueCsv } from '@waybill/contracts';
import type { Answer } from '../core/answer.ts';
import { docsPage } from './docs-page.ts';

/** No script and nothing from elsewhere runs, whatever a text in a contract says. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const MAX_AGE_S = 300;

/** What senders need to know, for everybody, by its path: it holds no tenant's data. Made at start. */
export function documents(): ReadonlyMap<string, Answer> {
  const page = (path: string, type: string, body: string): readonly [string, Answer] => [
    path,
    {
      status: 200,
      headers: {
        'content-type': type,
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'cache-control': `public, max-age=${MAX_AGE_S}`,
      },
      body,
    },
  ];
  return new Map([
    page('/openapi.json', 'application/json', JSON.stringify(openApiDocument())),
    page('/webhook-catalogue.csv', 'text/csv; charset=utf-8', webhookCatalogueCsv()),
    page('/docs', 'text/html; charset=utf-8', docsPage()),
  ]);
}
