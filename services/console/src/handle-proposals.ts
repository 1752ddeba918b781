import type { ProposalChanged, ProposalJudged } from '@waybill/contracts';
import { businessDate, hashId } from '@waybill/domain';
import type { Route } from '@waybill/runtime';
import { datesOf, dayRange, rereadCommand, wayOf, withMargin } from './core/reread.ts';
import { consoleFault } from './errors.ts';
import type { Ports } from './ports.ts';
import { malformed, readActor, readInstant, readObject } from './read-request.ts';

const UNIT = /^[a-z][a-z0-9-]*:[^/]+$/;
/** What one recomputation takes at most, ms. */
const MOST_MS = 38 * 86_400_000;
const SHORTEST_PREFIX = 8;

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= 200) return value.trim();
  throw malformed(`expected ${name} as text of 1 to 200 characters`);
}

/** GET /proposals?tenant=&unit=&status=: what awaits a verdict and what was decided lately. */
export function createProposals({ proposals }: Ports): Route {
  return async (url) => {
    const wanted = (name: string): string | null => url.searchParams.get(name);
    const [tenant, unit, status] = [wanted('tenant'), wanted('unit'), wanted('status')];
    const found = proposals
      .all()
      .filter(
        (proposal) =>
          (tenant === null || proposal.tenant_id === tenant) &&
          (unit === null || proposal.unit === unit) &&
          (status === null || proposal.status === status.toUpperCase()),
      )
      .toSorted((a, b) => a.business_date.localeCompare(b.business_date));
    return { status: 200, body: { proposals: found } };
  };
}

function find(all: readonly ProposalChanged[], prefix: string): ProposalChanged {
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < SHORTEST_PREFIX) {
    throw malformed(`expected proposal_id as ${SHORTEST_PREFIX} to 32 hex digits`);
  }
  const found = all.filter(({ proposal_id: id }) => id.startsWith(prefix));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    const message =
      only === undefined
        ? `no proposal has the id ${prefix}; a newer one may stand in its place`
        : `${found.length} proposals begin with ${prefix}; give more digits`;
    throw consoleFault('PROPOSAL_UNKNOWN', message);
  }
  if (only.status === 'PENDING') return only;
  throw consoleFault(
    'PROPOSAL_DECIDED',
    `the proposal ${only.proposal_id} is ${only.status} and awaits no verdict`,
  );
}

/** POST /proposals/verdict `{proposal_id, verdict: "accept" | "reject", by}`. */
export function createVerdict(ports: Ports, wake: () => void): Route {
  const { control, proposals, logger, metrics, now } = ports;
  return async (_url, bytes) => {
    const body = readObject(bytes);
    const verdict = text(body['verdict'], 'verdict').toUpperCase();
    if (verdict !== 'ACCEPT' && verdict !== 'REJECT') {
      throw malformed('expected verdict as accept or reject');
    }
    const proposal = find(proposals.all(), text(body['proposal_id'], 'proposal_id'));
    const { tenant_id, unit, business_date, proposal_id } = proposal;
    const judged: ProposalJudged = {
      ...{ tenant_id, unit, business_date, proposal_id },
      verdict,
      judged_by: readActor(body),
      judged_time: now(),
    };
    await control.judge([judged]);
    wake();
    metrics.decided('proposal.judged');
    logger.info({ proposal_id, verdict, by: judged.judged_by }, 'proposal.judged');
    return { status: 200, body: judged };
  };
}

/** `day`, or `from` and `to`. */
function readRange(
  body: Readonly<Record<string, unknown>>,
  zone: string,
): { readonly from: number; readonly to: number } {
  const { day } = body;
  if (typeof day === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(day)) {
    const range = dayRange(day, zone);
    if (Number.isFinite(range.from) && businessDate(range.from, zone) === day) return range;
    throw malformed(`expected day as a day of the calendar, found ${day}`);
  }
  const [from, to] = [readInstant(body['from'], 'from'), readInstant(body['to'], 'to')];
  if (from !== null && to !== null && from < to && to - from <= MOST_MS) return { from, to };
  throw malformed('expected day, or from and to as instants, from before to, at most 38 days');
}

/** POST /recompute `{tenant, unit, day | from, to, way, preview, by}`: reads a range again and compares. */
export function createRecompute(ports: Ports, wake: () => void): Route {
  const { control, logger, metrics, now } = ports;
  return async (_url, bytes) => {
    const body = readObject(bytes);
    const tenant = text(body['tenant'], 'tenant');
    const unit = text(body['unit'], 'unit');
    if (!UNIT.test(unit)) throw malformed('expected unit as <source>:<provider id>');
    const model = await control.model(tenant);
    if (model === undefined) {
      throw consoleFault('TENANT_UNKNOWN', `no applied tenant has the id ${tenant}`);
    }
    const { from, to } = readRange(body, model.company.zone);
    const { way = wayOf(model, unit) } = body;
    if (way !== 'provider' && way !== 'raw') throw malformed('expected way as provider or raw');
    const [by, requestedTime] = [readActor(body), now()];
    const id = hashId('recompute', tenant, unit, from, to, requestedTime);
    if (body['preview'] === true) {
      await control.judge(
        datesOf({ from, to }, model.company.zone).map((business_date) => ({
          ...{ tenant_id: tenant, unit, business_date, proposal_id: id },
          ...{ verdict: 'SHOW_ONLY', judged_by: by, judged_time: requestedTime },
        })),
      );
    }
    const range = withMargin({ from, to });
    const wish = { tenant, unit, ...range, way, requestedBy: by, requestedTime } as const;
    await control.startRework(rereadCommand(wish, id));
    wake();
    metrics.decided('recompute.requested');
    logger.info({ rework_id: id, tenant_id: tenant, unit, way, by }, 'recompute.requested');
    return { status: 200, body: { rework_id: id, way, preview: body['preview'] === true } };
  };
}
