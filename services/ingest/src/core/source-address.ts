/** Which source of which tenant a request claims to come from. */
export interface SourceAddress {
  readonly tenantId: string;
  readonly sourceId: string;
}

const ADDRESS = /^([a-z][a-z0-9-]{1,40})\/([a-z][a-z0-9-]{1,40})$/;

/**
 * From the path `<tenant>/<source>` or the header X-Waybill-Source of the same form. Undefined when there
 * is neither, when one is not of the form, or when both are there and differ.
 */
export function sourceAddress(
  path: string | undefined,
  header: string | undefined,
): SourceAddress | undefined {
  if (path !== undefined && header !== undefined && path !== header) return undefined;
  const [, tenantId, sourceId] = ADDRESS.exec(path ?? header ?? '') ?? [];
  return tenantId === undefined || sourceId === undefined ? undefined : { tenantId, sourceId };
}
