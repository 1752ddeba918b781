import type { PageFetched, WebhookReceived } from '@waybill/contracts';
import { hashId, jsonMember, jsonSpans, type JsonSpan } from '@waybill/domain';
import type { NullReason } from './sensor-expression.ts';
import { isObject, parseJson, shown, violation } from './json.ts';
import { pageAdapters, webhookAdapters, type PageAdapter } from './registry.ts';
import {
  reject,
  type Problem,
  type RecordAddress,
  type SensorsOf,
  type SkipReason,
  type Transformed,
  type TransformedEvent,
  type TransformRejection,
  type Verdict,
} from './transformed.ts';
import { pushedBody } from './webhook-body.ts';

/** A whole record that is refused keeps its bytes up to this size; beyond, its raw address has them. */
const WHOLE_ORIGINAL_BYTES = 65_536;

const adapterOfCall: ReadonlyMap<string, PageAdapter> = new Map(
  pageAdapters.flatMap((adapter) => adapter.calls.map((call) => [call, adapter])),
);

const REFUSED: ReadonlySet<string> = new Set(['WEBHOOK_UNVERIFIED']);

function count<R>(counts: { reason: R; count: number }[], reason: R): void {
  const known = counts.find((entry) => entry.reason === reason);
  if (known === undefined) counts.push({ reason, count: 1 });
  else known.count += 1;
}

/** Of units that nobody described. */
const NO_SENSORS: SensorsOf = () => [];

/** Gathers verdicts; a Map of skips would cost more than the few reasons there are. */
class Gathered implements Transformed {
  readonly events: TransformedEvent[] = [];
  readonly rejections: TransformRejection[] = [];
  readonly skipped: { reason: SkipReason; count: number }[] = [];
  readonly nulled: { reason: NullReason; count: number }[] = [];

  skip(reason: SkipReason): void {
    count(this.skipped, reason);
  }

  null(reason: NullReason): void {
    count(this.nulled, reason);
  }

  reject(scope: string, index: number, problem: Problem, text: string, keep: boolean): void {
    const { code, violations, unit, eventTime } = problem;
    const first = violations[0];
    const where = first === undefined || first.path === '' ? '' : ` at ${first.path}`;
    const others = violations.length > 1 ? ` and ${violations.length - 1} more` : '';
    this.rejections.push({
      index,
      elementId: hashId('element', scope, unit ?? '', text),
      code,
      kind: REFUSED.has(code) ? 'refused' : 'malformed',
      message: `${code}${where}: ${first?.message ?? 'refused'}${others}`,
      violations,
      unit,
      eventTime,
      original: keep ? Buffer.from(text, 'utf8') : null,
    });
  }
}

function refuseWhole(into: Gathered, scope: string, body: Buffer, verdict: Verdict): Transformed {
  if (verdict.kind === 'reject') {
    const keep = body.length <= WHOLE_ORIGINAL_BYTES;
    into.reject(scope, -1, verdict.problem, body.toString('utf8'), keep);
  }
  return into;
}

/** The elements of a page's body, or undefined when it does not have the shape that its call answers with. */
function elementsOf(body: unknown, member: string | null): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  const inner = member !== null && isObject(body) ? body[member] : undefined;
  return Array.isArray(inner) ? inner : undefined;
}

/** Borders of the elements in the text; only computed once an element was refused. */
function elementSpans(text: string, member: string | null): readonly JsonSpan[] {
  const array = member === null ? undefined : jsonMember(text, member);
  return jsonSpans(text, array?.start ?? 0);
}

/**
 * Contract events of one provider answer, by the adapter registered for its call. Pure and total: it
 * never throws, every element is an event, a rejection or a counted skip. `sensorsOf` says how signals stand in
 * the messages of a unit.
 */
export function transformPage(
  page: PageFetched,
  address: RecordAddress,
  sensorsOf: SensorsOf = NO_SENSORS,
): Transformed {
  const into = new Gathered();
  const scope = `${page.tenant_id}/${page.account}`;
  if (page.unusable_reason !== null) {
    const found = { path: 'body', message: page.unusable_reason };
    return refuseWhole(into, scope, page.body, reject('BODY_UNREADABLE', [found], page.unit));
  }
  const adapter = adapterOfCall.get(page.call);
  if (adapter === undefined) {
    const known = [...adapterOfCall.keys()].join(', ');
    return refuseWhole(
      into,
      scope,
      page.body,
      reject('CALL_UNKNOWN', [violation('call', known, page.call)], page.unit),
    );
  }
  const text = page.body.toString('utf8');
  const parsed = parseJson(text);
  const elements = parsed === undefined ? undefined : elementsOf(parsed.value, adapter.member);
  if (elements === undefined) {
    const expected =
      adapter.member === null ? 'a JSON array' : `a JSON object with "${adapter.member}"`;
    const found = { path: 'body', message: `expected ${expected}, found ${shown(text)}` };
    return refuseWhole(into, scope, page.body, reject('BODY_UNREADABLE', [found], page.unit));
  }
  const read = adapter.reader(page, address, {
    sensorsOf,
    note: (reason) => into.null(reason),
  });
  let spans: readonly JsonSpan[] | undefined;
  for (let index = 0; index < elements.length; index += 1) {
    const verdict = read(elements[index], index);
    if (verdict.kind === 'event') {
      into.events.push(verdict.event);
    } else if (verdict.kind === 'skip') {
      into.skip(verdict.reason);
    } else {
      spans ??= elementSpans(text, Array.isArray(parsed?.value) ? null : adapter.member);
      const span = spans[index] ?? { key: undefined, start: 0, end: text.length };
      const kept = adapter.original?.(text, span) ?? span;
      into.reject(scope, index, verdict.problem, text.slice(kept.start, kept.end), true);
    }
  }
  return into;
}

/**
 * Contract events of one pushed request, by the first adapter that recognises its body. Pure and total,
 * element by element, as transformPage. `sensorsOf` is for
 * packets that carry a unit's parameters.
 */
export function transformWebhook(
  request: WebhookReceived,
  address: RecordAddress,
  sensorsOf: SensorsOf = NO_SENSORS,
): Transformed {
  const into = new Gathered();
  const scope = `${request.tenant_id}/${request.source_id}`;
  const refuse = (verdict: Verdict): Transformed => refuseWhole(into, scope, request.body, verdict);
  if (request.verdict === 'UNKNOWN') {
    const expected = 'VERIFIED, or UNSIGNED from a source that cannot sign';
    return refuse(reject('WEBHOOK_UNVERIFIED', [violation('verdict', expected, request.verdict)]));
  }
  const text = request.body.toString('utf8');
  const parsed = pushedBody(request, text);
  if (parsed === undefined) {
    const found = { path: 'body', message: `expected JSON or a form, found ${shown(text)}` };
    return refuse(reject('BODY_UNREADABLE', [found]));
  }
  const body = parsed.value;
  const adapter = webhookAdapters.find((candidate) => candidate.recognises(body, request));
  if (adapter === undefined) {
    const known = webhookAdapters.map(({ name }) => name).join(', ');
    return refuse(reject('EVENT_UNKNOWN', [violation('', `a body of ${known}`, body)]));
  }
  const signals = { sensorsOf, note: (reason: NullReason) => into.null(reason) };
  let spans: readonly JsonSpan[] | undefined;
  for (const [index, part] of adapter.parts(body, request).entries()) {
    const verdict = adapter.read(part, { request, address, body, index, signals });
    if (verdict.kind === 'event') {
      into.events.push(verdict.event);
    } else if (verdict.kind === 'skip') {
      into.skip(verdict.reason);
    } else if (part.text !== undefined) {
      into.reject(scope, index, verdict.problem, part.text, true);
    } else if (part.key === undefined) {
      refuseWhole(into, scope, request.body, verdict);
    } else {
      spans ??= spansWithin(text, adapter.within);
      const span = spanOf(spans, part.key) ?? { key: undefined, start: 0, end: text.length };
      into.reject(scope, index, verdict.problem, text.slice(span.start, span.end), true);
    }
  }
  return into;
}

/** Borders of the children of the member that the names lead to. */
function spansWithin(text: string, names: readonly string[]): readonly JsonSpan[] {
  let start = 0;
  for (const name of names) start = jsonMember(text, name, start)?.start ?? start;
  return jsonSpans(text, start);
}

function spanOf(spans: readonly JsonSpan[], key: number | string): JsonSpan | undefined {
  return typeof key === 'number' ? spans[key] : spans.findLast((span) => span.key === key);
}
