import type { PageFetched } from '@waybill/contracts';
import { isObject, parseJson } from './json.ts';
import { wialonUnit } from './wialon-items.ts';

/** An item that is deleted, or that the account may not see any more (fact sheet, sections 3 and 5.2). */
function isGone(answer: unknown): boolean {
  if (!isObject(answer)) return false;
  return answer['error'] === 4 || answer['error'] === 7 || answer['item'] === null;
}

/** Id of the item that an entry of a batch asks for. */
function askedItem(entry: unknown): number | undefined {
  if (!isObject(entry) || entry['svc'] !== 'core/search_item') return undefined;
  const { params } = entry;
  return isObject(params) && typeof params['id'] === 'number' ? params['id'] : undefined;
}

/**
 * The units that a batch of core/search_item found gone; undefined where the page is no such batch. Which of its
 * items were units the extractor knows: it asks for no other.
 */
export function readGone(page: PageFetched): readonly string[] | undefined {
  if (page.call !== 'core/batch') return undefined;
  const parameters = parseJson(page.parameters)?.value;
  const answers = parseJson(page.body.toString('utf8'))?.value;
  const asked = isObject(parameters) ? parameters['params'] : undefined;
  if (!Array.isArray(asked) || !Array.isArray(answers)) return undefined;
  const ids = asked.map(askedItem);
  if (ids.length !== answers.length || ids.includes(undefined)) return undefined;
  return ids.flatMap((id, at) => (id !== undefined && isGone(answers[at]) ? [wialonUnit(id)] : []));
}
