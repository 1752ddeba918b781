import { toFault, type Fault } from '@waybill/fault';

/** What the author's code threw, kept apart from what the cluster did. */
export class AuthorFailed extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Runs code of the author; whatever it throws comes out as AuthorFailed. */
export function authored<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw new AuthorFailed(toFault(error, 'decide'));
  }
}
