import { call } from './http.ts';
import { type ServiceName, serviceNames, type System } from './system.ts';

/** A fault of a run: which service (or all) is killed or stopped at which data time. */
export interface PlannedFault {
  /** Seconds of data time since the start of the recording. */
  readonly at: number;
  readonly service: ServiceName | 'all';
  readonly kind: 'kill' | 'stop';
  /** How long a stopped service stands still, wall time. */
  readonly stopMs?: number;
}

/** A small seeded generator (mulberry32): the same seed gives the same moments. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Kills of each given service at `times` seeded moments within the recording. */
export function planKills(
  seed: number,
  services: readonly (ServiceName | 'all')[],
  durationS: number,
  times: number,
): readonly PlannedFault[] {
  const random = seeded(seed);
  return services
    .flatMap((service) =>
      Array.from({ length: times }, (): PlannedFault => ({
        at: Math.floor(durationS * (0.05 + 0.85 * random())),
        service,
        kind: 'kill',
      })),
    )
    .toSorted((a, b) => a.at - b.at);
}

/** Carries out the faults that are due; returns those that are left. */
export function injectDue(
  system: System,
  planned: readonly PlannedFault[],
  elapsed: number,
): readonly PlannedFault[] {
  for (const fault of planned) {
    if (fault.at > elapsed) continue;
    const names = fault.service === 'all' ? serviceNames : [fault.service];
    for (const name of names) {
      const service = system.services.get(name);
      if (fault.kind === 'kill') {
        service?.signal('SIGKILL');
      } else {
        service?.signal('SIGSTOP');
        setTimeout(() => service?.signal('SIGCONT'), fault.stopMs ?? 5000);
      }
    }
  }
  return planned.filter((fault) => fault.at > elapsed);
}

/** Data time since the start of the recording, in seconds, as the twin tells it. */
export async function elapsedOf(system: System): Promise<{ elapsed: number; held: boolean }> {
  const clock = await call<{ elapsed_s: number; held: boolean }>(`${system.twinUrl}/twin/clock`);
  return { elapsed: clock.elapsed_s, held: clock.held };
}
