/** Fields of one request: query first, then the body, later ones win. */
export type RequestFields = ReadonlyMap<string, string>;

/** Header and text of each part of a multipart body. Parts with a file name are skipped. */
function multipartFields(body: string, boundary: string): [string, string][] {
  const fields: [string, string][] = [];
  for (const part of body.split(`--${boundary}`)) {
    const end = part.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const header = part.slice(0, end);
    const name = /;\s*name="([^"]*)"/i.exec(header)?.[1];
    if (name === undefined || /;\s*filename=/i.test(header)) continue;
    fields.push([name, part.slice(end + 4).replace(/\r\n$/, '')]);
  }
  return fields;
}

/**
 * Collects fields as the provider does: from the query and from a form or multipart body, mixed as the
 * client likes. A body of any other type is read as a form, since some clients send no type at all.
 */
export function requestFields(
  url: string,
  contentType: string | undefined,
  body: string,
): RequestFields {
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const boundary = /multipart\/form-data;.*boundary="?([^";]+)/i.exec(contentType ?? '')?.[1];
  const sent =
    boundary === undefined ? [...new URLSearchParams(body)] : multipartFields(body, boundary);
  return new Map([...query, ...sent]);
}

/** The session id; clients without one send nothing or a word for it. */
export function sidOf(fields: RequestFields): string {
  const sid = fields.get('sid') ?? '';
  return sid === 'None' || sid === 'null' ? '' : sid;
}
