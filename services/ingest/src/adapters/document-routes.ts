import { openApiDocument, webhookCatalogueCsv } from '@waybill/contracts';
import type { FastifyInstance } from 'fastify';
import { docsPage } from './docs-page.ts';

/** No script and nothing from elsewhere runs, whatever a text in a contract says. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const MAX_AGE_S = 300;

/** What senders need to know, for everybody: it holds no tenant's data. Made once, at start. */
export function addDocumentRoutes(app: FastifyInstance): void {
  const documents: readonly (readonly [url: string, type: string, text: string])[] = [
    ['/openapi.json', 'application/json', JSON.stringify(openApiDocument())],
    ['/webhook-catalogue.csv', 'text/csv; charset=utf-8', webhookCatalogueCsv()],
    ['/docs', 'text/html; charset=utf-8', docsPage()],
  ];
  for (const [url, type, text] of documents) {
    const bytes = Buffer.from(text);
    app.get(url, (_request, reply) =>
      reply
        .headers({
          'content-type': type,
          'content-security-policy': POLICY,
          'x-content-type-options': 'nosniff',
          'cache-control': `public, max-age=${MAX_AGE_S}`,
        })
        .send(bytes),
    );
  }
}
