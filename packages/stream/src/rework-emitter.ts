import type { ReworkFinding } from '@waybill/contracts';
import type { Codecs } from './codec.ts';
import type { Emitter, Outgoing, Rejection } from './port.ts';
import type { ReworkGuard } from './rework-guard.ts';
import type { Comparison } from './rework-comparison.ts';
import { MAX_FINDINGS } from './rework-state.ts';

/** What one reworked batch made. */
export interface Reworked {
  /** Elements by topic they went to, or code they were rejected with. */
  readonly outcomes: Map<string, number>;
  superseded: number;
  readonly findings: ReworkFinding[];
}

export function nothingReworked(): Reworked {
  return { outcomes: new Map(), superseded: 0, findings: [] };
}

interface Traced {
  readonly trace?: { readonly index?: number; readonly offset?: number };
}

function traceOf(record: Outgoing): Traced['trace'] {
  return ((record.message?.value ?? {}) as Traced).trace;
}

function count({ outcomes }: Reworked, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/**
 * The emitter of a rework: passes on what was asked for (`index`; -1 = all; what names no index
 * is passed on) and is not superseded, and keeps the report.
 */
export function reworkEmitter(
  out: Emitter,
  index: number,
  guard: ReworkGuard,
  report: Reworked,
): Emitter {
  return {
    traceparent: out.traceparent,
    skip: out.skip,
    emit: (record) => {
      if (index >= 0 && (traceOf(record)?.index ?? index) !== index) return;
      if (guard.isSuperseded(record)) {
        report.superseded += 1;
        return;
      }
      out.emit(record);
      count(report, record.topic.name);
    },
    reject: (rejection) => {
      if (index >= 0 && rejection.index !== index) return;
      out.reject(rejection);
      count(report, rejection.code);
    },
  };
}

/**
 * The emitter of a preview: sends nothing, keeps what was made for the comparison and notes the first
 * rejections. It encodes, so what would break its contract fails the preview as it would fail the rework.
 */
export function previewEmitter(
  codecs: Codecs,
  report: Reworked,
  comparison: Comparison,
  offset: number,
): Emitter {
  return {
    traceparent: () => undefined,
    skip: () => undefined,
    emit: (record: Outgoing) => {
      const { topic, message } = record;
      const bytes = message === null ? null : codecs.encode(topic, message);
      comparison.add(record, bytes, traceOf(record)?.offset ?? offset);
    },
    reject: ({ record, code, elementId: id }: Rejection) => {
      if (report.findings.length >= MAX_FINDINGS) return;
      const finding = { offset: Number(record.offset), outcome: code, id };
      report.findings.push({
        ...{ ...finding, comparison: 'REJECTED', changes: [], changes_left_out: 0 },
      });
    },
  };
}
