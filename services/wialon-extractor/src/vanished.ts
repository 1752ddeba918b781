import { accountKey, unitName } from './core/account.ts';
import { pageRecords } from './core/page.ts';
import { ask, type Session } from './ask.ts';
import { publishPages, type AccountContext } from './context.ts';
import { forgottenCursor } from './records.ts';

/** Units that are asked for at once; the others are at the next discovery. */
const ASKED_AT_ONCE = 100;

/** An item that is deleted, or that the account may not see any more (fact sheet, sections 3 and 5.2). */
function isGone(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return false;
  if ('error' in answer) return answer.error === 4 || answer.error === 7;
  return 'item' in answer && answer.item === null;
}

/**
 * Units that were read and stand in no listing any more: the provider is asked for each, and its answer is the
 * page by which the transformer ends their validity. With it their cursors go: a unit that comes back is read
 * from the start.
 */
export async function closeVanished(
  context: AccountContext,
  session: Session,
  listed: readonly number[],
): Promise<void> {
  const { account, owner, memory, ports, fields } = context;
  const prefix = `${accountKey(account)}/${unitName(0).slice(0, -1)}`;
  const present = new Set(listed);
  const missing = [...owner.cursors.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => Number(key.slice(prefix.length)))
    .filter((id) => Number.isSafeInteger(id) && !present.has(id))
    .slice(0, ASKED_AT_ONCE);
  if (missing.length === 0) return;
  const service = 'core/batch';
  const params = missing.map((id) => ({ svc: 'core/search_item', params: { id, flags: 1 } }));
  const parameters = { params, flags: 0 };
  const asked = await ask(context, session, service, parameters);
  const answers: readonly unknown[] =
    asked.kind === 'answer' && Array.isArray(asked.json) ? asked.json : [];
  const gone = missing.filter((_, at) => isGone(answers[at]));
  if (asked.kind !== 'answer' || gone.length === 0) return;
  const pages = pageRecords(account, {
    call: service,
    parameters,
    shape: { member: null },
    body: asked.body,
    count: answers.length,
    firstIndex: 0,
    unit: null,
    windowFromTime: null,
    windowToTime: null,
    sessionHash: session.hash,
    receivedTime: asked.receivedTime,
    providerNowTime: memory.providerNowS * 1000,
  });
  const units = gone.map(unitName);
  ports.logger.info({ ...fields, units }, 'units.gone');
  const behind = units.map((unit) => forgottenCursor(account, unit));
  await publishPages(context, pages, asked.traceparent, behind);
  for (const unit of units) memory.hours.forget(unit);
}
