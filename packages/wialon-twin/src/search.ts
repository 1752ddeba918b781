import { itemClasses, type Item, type ItemType, type TwinAccount } from './items.ts';
import { ApiError, errorCode, integer, text, type Params } from './params.ts';

const isItemType = (name: string): name is ItemType => name in itemClasses;

/** Properties that the twin knows; a search by another one matches only the mask `*`. */
const properties: Readonly<Record<string, (item: Item) => string>> = {
  sys_name: (item) => item.name,
  sys_id: (item) => String(item.id),
  sys_unique_id: (item) => item.uniqueId,
};

function globMatches(value: string, glob: string): boolean {
  const pattern = glob
    .replaceAll(/[.+^${}()[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 'i').test(value);
}

function compares(value: string, operator: string, bound: string): boolean {
  const [a, b] = [Number(value), Number(bound)];
  if (operator === '=') return value === bound;
  if (operator === '>') return a > b;
  if (operator === '<') return a < b;
  return operator === '>=' ? a >= b : a <= b;
}

/** One criterion: alternatives `a|b`, `!` negates, a leading comparison sign compares, `*` is any text. */
function maskMatches(value: string, mask: string): boolean {
  if (mask.startsWith('!')) return !maskMatches(value, mask.slice(1));
  return mask.split('|').some((alternative) => {
    const comparison = /^(>=|<=|>|<|=)(.*)$/.exec(alternative);
    if (comparison !== null) return compares(value, comparison[1] ?? '', comparison[2] ?? '');
    return globMatches(value, alternative);
  });
}

function criterion(property: string, mask: string): (item: Item) => boolean {
  const read = properties[property];
  if (read === undefined) return () => mask === '*';
  return (item) => maskMatches(read(item), mask);
}

function sorted(items: readonly Item[], sortType: string): Item[] {
  const key = sortType.replace(/^!/, '').split(',')[0] ?? '';
  const read = properties[key] ?? ((item: Item): string => String(item.id));
  const direction = sortType.startsWith('!') ? -1 : 1;
  const compare = (a: Item, b: Item): number => {
    if (key === 'sys_id') return a.id - b.id;
    const [left, right] = [read(a), read(b)];
    return left < right ? -1 : left > right ? 1 : a.id - b.id;
  };
  return [...items].sort((a, b) => direction * compare(a, b));
}

/** Answer members of core/search_items besides the items. */
export interface SearchResult {
  readonly searchSpec: Readonly<Record<string, string>>;
  readonly totalItemsCount: number;
  readonly found: readonly Item[];
}

/** Items of the account that fit `spec`, paged by the inclusive indexes from and to (0 and 0 = all). */
export function searchItems(account: TwinAccount, spec: Params, page: Params): SearchResult {
  const itemsType = text(spec, 'itemsType');
  if (!isItemType(itemsType)) throw new ApiError(errorCode.invalidInput);
  const [propName, propValueMask, sortType] = [
    text(spec, 'propName'),
    text(spec, 'propValueMask'),
    text(spec, 'sortType'),
  ];
  if (propName === '' || propValueMask === '') throw new ApiError(errorCode.invalidInput);
  const orLogic = integer(spec, 'or_logic');
  const masks = propValueMask.split(',');
  const criteria = propName
    .split(',')
    .map((property, index) => criterion(property, masks[index] ?? '*'));
  const matches = sorted(
    [...account.items.values()].filter((item) => {
      if (item.type !== itemsType) return false;
      return orLogic === 1
        ? criteria.some((fits) => fits(item))
        : criteria.every((fits) => fits(item));
    }),
    sortType,
  );
  const [from, to] = [integer(page, 'from'), integer(page, 'to')];
  const found = from === 0 && to === 0 ? matches : matches.slice(from, to + 1);
  const propType = text(spec, 'propType');
  const searchSpec = { itemsType, propName, propValueMask, sortType, propType };
  return {
    searchSpec: { ...searchSpec, or_logic: String(orLogic) },
    totalItemsCount: matches.length,
    found,
  };
}
