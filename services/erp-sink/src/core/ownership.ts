import type { Entity } from './shapes.ts';

interface Rule {
  readonly entity: string;
  readonly field: string;
  readonly owner: string;
}

/** Fields of an entity that the ERP owns: they are never written, whatever a mapping says. */
export function ownedByErp(rules: readonly Rule[], entity: Entity): ReadonlySet<string> {
  return new Set(
    rules
      .filter((rule) => rule.entity === entity && rule.owner === 'erp')
      .map(({ field }) => field),
  );
}

/** How many columns of a mapping the ownership matrix keeps from being written. */
export function countWithheld(
  columns: Readonly<Record<string, { readonly from: string }>>,
  owned: ReadonlySet<string>,
): number {
  return Object.values(columns).filter(({ from }) => owned.has(from)).length;
}
