/** What the author's code threw, kept apart from what the log did. */
export class AuthorFailed extends Error {}

/** Runs code of the author; whatever it throws comes out as AuthorFailed, with the cause. */
export function authored<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw new AuthorFailed('the author’s code failed', { cause: error });
  }
}
