/** Where a request goes. */
export type Route =
  | WebhookRoute
  /** A page that everybody may read; whether there is one of that path is not decided here. */
  | { readonly kind: 'document'; readonly path: string }
  /** A sender asks whether it may push. */
  | { readonly kind: 'permission' };

export interface WebhookRoute {
  readonly kind: 'webhook' | 'token';
  /** `<tenant>/<source>`; undefined when the path ends before. */
  readonly path: string | undefined;
  /** What follows the source. */
  readonly secret: string | undefined;
}

const WEBHOOKS = '/webhooks/telematics';
const TOKENS = '/oauth/token';
/** Characters of one part of a path; the longest are secrets. */
const PART_MAX = 512;

const bare: WebhookRoute = { kind: 'webhook', path: undefined, secret: undefined };
const permission: Route = { kind: 'permission' };
const token: WebhookRoute = { kind: 'token', path: undefined, secret: undefined };

/**
 * `POST /webhooks/telematics[/<tenant>/<source>[/<secret>]]`, the same with OPTIONS, `POST /oauth/token`,
 * `GET <any>`. What follows a question mark does not count. Undefined: there is nothing at this address.
 */
export function routeOf(method: string | undefined, url: string | undefined): Route | undefined {
  const path = pathOf(url ?? '');
  if (method === 'GET') return { kind: 'document', path };
  if (method === 'OPTIONS') return isWebhook(path) ? permission : undefined;
  if (method !== 'POST') return undefined;
  if (path === WEBHOOKS) return bare;
  if (path === TOKENS) return token;
  return path.startsWith(`${WEBHOOKS}/`) ? longRoute(path.slice(WEBHOOKS.length + 1)) : undefined;
}

/** Whether something like that may exist: which sources there are is nobody's business. */
function isWebhook(path: string): boolean {
  return path === WEBHOOKS || path.startsWith(`${WEBHOOKS}/`);
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

function longRoute(rest: string): WebhookRoute | undefined {
  const parts = rest.split('/');
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => part.length > PART_MAX)) {
    return undefined;
  }
  try {
    const [tenant, source, secret] = rest.includes('%') ? parts.map(decodeURIComponent) : parts;
    return { kind: 'webhook', path: `${tenant}/${source}`, secret };
  } catch {
    return undefined;
  }
}
