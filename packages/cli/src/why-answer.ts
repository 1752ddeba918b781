/** The parts of the console's answer to GET /why that are shown. Instants in ms since epoch. */
export interface WhyAnswer {
  readonly found: boolean;
  readonly reference: string;
  readonly tenant_id: string | null;
  readonly events: readonly WhyEvent[];
  readonly more: number;
  readonly reasons: readonly { readonly reason: string; readonly text: string }[];
  readonly dead_letters: readonly {
    readonly service: string;
    readonly code: string;
    readonly message: string;
    readonly trace: WhyRaw;
  }[];
  readonly evidence: {
    readonly unit: string;
    readonly at_time: number;
    readonly fixes: number;
    readonly previous_end_time: number | null;
    readonly complete_to_time: number | null;
  } | null;
}

export interface WhyEvent {
  readonly event: {
    readonly tenant_id: string;
    readonly event_id: string;
    readonly entity: string;
    readonly entity_id: string;
    readonly unit: string | null;
    readonly revision: number;
    readonly retracted: boolean;
    readonly event_time: number;
    readonly from_time: number;
    readonly to_time: number | null;
    readonly fact: Readonly<Record<string, unknown>>;
  };
  readonly versions: readonly {
    readonly revision: number;
    readonly retracted: boolean;
    readonly cause: string;
    readonly late_by_s: number | null;
    readonly received_time: number;
    readonly topic: string;
    readonly partition: number;
    readonly offset: string;
    readonly traceparent: string | null;
    readonly trace: WhyRaw;
  }[];
  readonly cause: WhyRaw;
  readonly first_fix: WhyRaw | null;
  readonly last_fix: WhyRaw | null;
  readonly deliveries: readonly {
    readonly target: string;
    readonly revision: number;
    readonly activation: number;
    readonly resolution: number;
    readonly outcome: string;
    readonly reason: string | null;
    readonly attempts: number;
    readonly erp_table: string | null;
    readonly erp_key: string | null;
    readonly erp_vehicle_id: string | null;
    readonly business_date: string | null;
    readonly amendment_kind: string | null;
    readonly changed_fields: readonly string[];
    readonly received_time: number;
    readonly delivered_time: number;
  }[];
  readonly ids: readonly {
    readonly entity: string;
    readonly telematics_id: string;
    readonly at_time: number;
    readonly erp_id: string | null;
    readonly version: number | null;
  }[];
  readonly erp:
    | { readonly state: 'absent' }
    | { readonly state: 'unavailable'; readonly reason: string }
    | {
        readonly state: 'present' | 'withdrawn';
        readonly row: {
          readonly key: string;
          readonly amendments: number;
          readonly fields: Readonly<Record<string, string | number | null>>;
        };
      };
  readonly verdict: { readonly state: string; readonly text: string };
}

/** A raw element and the API response that it stands in. */
export interface WhyRaw {
  readonly address: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly index: number;
  };
  readonly page: {
    readonly call: string;
    readonly parameters: string;
    readonly unit: string | null;
    readonly window_from_time: number | null;
    readonly window_to_time: number | null;
    readonly session_hash: string | null;
    readonly received_time: number;
    readonly first_index: number;
    readonly message_count: number;
    readonly body_sha256: string;
  } | null;
}
