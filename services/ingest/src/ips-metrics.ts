/** Domain metrics of the Wialon IPS listener. */
export interface IpsMetrics {
  /** One login; `accepted`, or why not. */
  readonly login: (outcome: string) => void;
  /** One packet. */
  readonly packet: (
    type: string,
    outcome: 'kept' | 'rejected' | 'corrupt' | 'unsupported' | 'failed',
  ) => void;
  /** Messages that stand in the raw topic. */
  readonly messages: (count: number) => void;
  /** Connections opened less those closed. */
  readonly opened: (change: 1 | -1) => void;
  /** Why we closed a connection. */
  readonly closed: (why: string) => void;
  /** Connections over the limit. */
  readonly dropped: () => void;
}

interface Counter {
  readonly inc: (labels: Readonly<Record<string, string>>, value?: number) => void;
}

interface Gauge {
  readonly set: (labels: Readonly<Record<string, string>>, value: number) => void;
}

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (name: string, help: string, labels?: readonly string[]) => Counter;
  readonly gauge: (name: string, help: string, labels?: readonly string[]) => Gauge;
}

/** Registers the metrics. */
export function ipsMetrics(metrics: Registry): IpsMetrics {
  const logins = metrics.counter('ips_logins_total', 'Logins, accepted or why not.', ['outcome']);
  const packets = metrics.counter('ips_packets_total', 'Packets by type and what became of them.', [
    'type',
    'outcome',
  ]);
  const messages = metrics.counter('ips_messages_total', 'Messages kept in the raw topic.');
  const connections = metrics.gauge('ips_connections', 'Open connections.');
  const closed = metrics.counter('ips_connections_closed_total', 'Connections closed by us.', [
    'why',
  ]);
  let open = 0;
  return {
    login: (outcome) => logins.inc({ outcome }),
    packet: (type, outcome) => packets.inc({ type, outcome }),
    messages: (count) => messages.inc({}, count),
    opened: (change) => {
      open += change;
      connections.set({}, open);
    },
    closed: (why) => closed.inc({ why }),
    dropped: () => closed.inc({ why: 'over_limit' }),
  };
}
