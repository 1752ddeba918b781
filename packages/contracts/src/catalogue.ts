import { contract } from './contract.ts';
import type { Message, Partitioning, Topic } from './topic.ts';
import type * as t from './generated/types.ts';

const rejected = contract<t.ElementRejected>('ops/dead-letter/1.0');

interface Declaration<M extends Message> {
  readonly key: string;
  readonly partitioning?: Partitioning;
  readonly compacted?: boolean;
  readonly compressed?: boolean;
  readonly retentionDays?: number;
  readonly madeBy: readonly string[];
  readonly readBy: readonly string[];
  readonly contracts: Topic<M>['contracts'];
}

function topic<M extends Message>(name: string, declaration: Declaration<M>): Topic<M> {
  return Object.freeze({
    name,
    partitioning: 'task',
    compacted: false,
    compressed: false,
    retentionDays: 30,
    ...declaration,
  } as Topic<M>);
}

type DeadLetterTopic = Topic<Message<'ElementRejected', t.ElementRejected>>;

function deadLetter(service: string, readBy: readonly string[] = ['reconciler']): DeadLetterTopic {
  return topic(`${service}.dead-letter.v1`, {
    key: 'as the service’s input',
    partitioning: 'single',
    madeBy: [service],
    readBy,
    contracts: { ElementRejected: rejected },
  });
}

const reworkContracts = {
  ReworkRequested: contract<t.ReworkRequested>('ops/rework/1.1'),
  ReworkCancelled: contract<t.ReworkCancelled>('ops/rework-cancel/1.0'),
};

const reworkStateContracts = {
  ReworkProgressed: contract<t.ReworkProgressed>('ops/rework-progress/1.1'),
  ReworkCounted: contract<t.ReworkCounted>('ops/rework-count/1.0'),
};

type ReworkCommandTopic = Topic<
  Message<'ReworkRequested', t.ReworkRequested> | Message<'ReworkCancelled', t.ReworkCancelled>
>;

type ReworkStateTopic = Topic<
  Message<'ReworkProgressed', t.ReworkProgressed> | Message<'ReworkCounted', t.ReworkCounted>
>;

/** Every task reads all commands: a range may touch them all, and each takes its share. */
function reworkCommand(service: string): ReworkCommandTopic {
  return topic(`${service}.rework.command.v1`, {
    key: 'rework id',
    partitioning: 'single',
    madeBy: ['console'],
    readBy: [service],
    contracts: reworkContracts,
  });
}

/** Partition p belongs to task p, so it is partitioned as the service's inputs. */
function reworkState(service: string, partitioning: Partitioning): ReworkStateTopic {
  return topic(`${service}.rework.state.v1`, {
    key: 'rework id/task, or input topic/block of offsets',
    partitioning,
    compacted: true,
    madeBy: [service],
    readBy: [service, 'console'],
    contracts: reworkStateContracts,
  });
}

const webhookRaw: Topic<Message<'WebhookReceived', t.WebhookReceived>> = topic(
  'telematics.webhook.raw.v1',
  {
    key: 'request id',
    compressed: true,
    partitioning: 'source',
    madeBy: ['ingest'],
    readBy: ['transformer', 'reconciler'],
    contracts: {
      WebhookReceived: contract('telematics/webhook/1.0'),
    },
  },
);

const wialonPage: Topic<
  Message<'PageFetched', t.PageFetched> | Message<'SourceProgressed', t.SourceProgressed>
> = topic('wialon.page.raw.v1', {
  key: 'tenant/source/account',
  partitioning: 'source',
  madeBy: ['wialon-extractor'],
  readBy: ['transformer', 'reconciler'],
  contracts: {
    PageFetched: contract('wialon/page/1.1'),
    SourceProgressed: contract('wialon/progress/1.0'),
  },
});

/** Pages of re-read ranges: never among the live ones, which would hold them up. */
const wialonPageBackfill: Topic<
  Message<'PageFetched', t.PageFetched> | Message<'BackfillMarked', t.BackfillMarked>
> = topic('wialon.page.backfill.v1', {
  key: 'tenant/source/account',
  partitioning: 'source',
  madeBy: ['wialon-extractor'],
  readBy: ['transformer', 'reconciler'],
  contracts: {
    PageFetched: contract('wialon/page/1.1'),
    BackfillMarked: contract('wialon/backfill/1.0'),
  },
});

const wialonCursor: Topic<
  Message<'CursorMoved', t.CursorMoved> | Message<'BackfillMoved', t.BackfillMoved>
> = topic('wialon.cursor.state.v1', {
  key: 'tenant/source/account[/unit], partitioned by the part before the unit',
  partitioning: 'source',
  compacted: true,
  madeBy: ['wialon-extractor'],
  readBy: ['wialon-extractor'],
  contracts: {
    CursorMoved: contract('wialon/cursor/1.2'),
    BackfillMoved: contract('wialon/backfill-state/1.0'),
  },
});

const wialonCount: Topic<Message<'MessagesCounted', t.MessagesCounted>> = topic(
  'wialon.count.event.v1',
  {
    key: 'tenant/source/account',
    partitioning: 'source',
    madeBy: ['wialon-extractor'],
    readBy: ['reconciler'],
    contracts: { MessagesCounted: contract('wialon/count/1.0') },
  },
);

const wialonSession: Topic<Message<'SessionChanged', t.SessionChanged>> = topic(
  'wialon.session.event.v1',
  {
    key: 'account',
    partitioning: 'single',
    madeBy: ['wialon-extractor'],
    readBy: ['reconciler'],
    contracts: { SessionChanged: contract('wialon/session/1.0') },
  },
);

const position: Topic<
  | Message<'PositionRecorded', t.PositionRecorded>
  | Message<'SignalRecorded', t.SignalRecorded>
  | Message<'ProgressReached', t.ProgressReached>
> = topic('fleet.position.event.v1', {
  key: 'tenant/unit',
  madeBy: ['transformer'],
  readBy: ['detector', 'reconciler'],
  contracts: {
    PositionRecorded: contract('fleet/position/1.1'),
    SignalRecorded: contract('fleet/signal/1.0'),
    ProgressReached: contract('fleet/progress/1.0'),
  },
});

/** Ranges that are read again, with end markers. */
const positionBackfill: Topic<
  | Message<'PositionRecorded', t.PositionRecorded>
  | Message<'SignalRecorded', t.SignalRecorded>
  | Message<'RangeReread', t.RangeReread>
> = topic('fleet.position.backfill.v1', {
  key: 'tenant/unit',
  madeBy: ['transformer', 'console'],
  readBy: ['detector'],
  contracts: {
    PositionRecorded: position.contracts['PositionRecorded'],
    SignalRecorded: position.contracts['SignalRecorded'],
    RangeReread: contract('fleet/range-reread/1.0'),
  },
});

const positionState: Topic<Message<'PositionRecorded', t.PositionRecorded>> = topic(
  'fleet.position.state.v1',
  {
    key: 'tenant/unit',
    compacted: true,
    madeBy: ['detector'],
    readBy: [],
    contracts: { PositionRecorded: position.contracts['PositionRecorded'] },
  },
);

const positionMinute: Topic<Message<'MinuteSampled', t.MinuteSampled>> = topic(
  'fleet.position-minute.event.v1',
  {
    key: 'tenant/unit',
    madeBy: ['detector'],
    readBy: [],
    contracts: { MinuteSampled: contract('fleet/position-minute/1.0') },
  },
);

const hourCount: Topic<Message<'HourCounted', t.HourCounted>> = topic('fleet.hour-count.state.v1', {
  key: 'tenant/hour/task, in the partition of the task',
  compacted: true,
  madeBy: ['detector'],
  readBy: ['reconciler'],
  contracts: { HourCounted: contract('fleet/hour-count/1.1') },
});

const completeness: Topic<Message<'CompletenessAssessed', t.CompletenessAssessed>> = topic(
  'fleet.completeness.state.v1',
  {
    key: 'tenant/hour',
    partitioning: 'single',
    compacted: true,
    madeBy: ['reconciler'],
    readBy: [],
    contracts: { CompletenessAssessed: contract('fleet/completeness/1.0') },
  },
);

const proposal: Topic<Message<'ProposalChanged', t.ProposalChanged>> = topic(
  'fleet.proposal.state.v1',
  {
    key: 'tenant/unit/business date, partitioned by the part before the date',
    compacted: true,
    madeBy: ['detector'],
    readBy: ['console'],
    contracts: { ProposalChanged: contract('fleet/proposal/1.0') },
  },
);

const proposalVerdict: Topic<Message<'ProposalJudged', t.ProposalJudged>> = topic(
  'fleet.proposal-verdict.state.v1',
  {
    key: 'tenant/unit/business date',
    partitioning: 'single',
    compacted: true,
    madeBy: ['console'],
    readBy: ['detector'],
    contracts: { ProposalJudged: contract('fleet/proposal-verdict/1.0') },
  },
);

const trip: Topic<Message<'TripCompleted', t.TripCompleted>> = topic('fleet.trip.event.v1', {
  key: 'tenant/unit',
  madeBy: ['detector'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { TripCompleted: contract('fleet/trip/1.1') },
});

const siteVisit: Topic<Message<'SiteVisited', t.SiteVisited>> = topic('fleet.site-visit.event.v1', {
  key: 'tenant/unit',
  madeBy: ['detector'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { SiteVisited: contract('fleet/site-visit/1.2') },
});

const geofence: Topic<Message<'GeofenceCrossed', t.GeofenceCrossed>> = topic(
  'fleet.geofence.event.v1',
  {
    key: 'tenant/unit',
    madeBy: ['detector'],
    readBy: ['erp-sink', 'reconciler'],
    contracts: { GeofenceCrossed: contract('fleet/geofence/1.1') },
  },
);

const idle: Topic<Message<'IdleEnded', t.IdleEnded>> = topic('fleet.idle.event.v1', {
  key: 'tenant/unit',
  madeBy: ['detector'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { IdleEnded: contract('fleet/idle/1.0') },
});

const fuelLevel: Topic<Message<'FuelLevelChanged', t.FuelLevelChanged>> = topic(
  'fleet.fuel-level.event.v1',
  {
    key: 'tenant/unit',
    madeBy: ['detector'],
    readBy: ['erp-sink', 'reconciler'],
    contracts: { FuelLevelChanged: contract('fleet/fuel-level/1.0') },
  },
);

const odometer: Topic<Message<'OdometerRead', t.OdometerRead>> = topic('fleet.odometer.event.v1', {
  key: 'tenant/unit',
  madeBy: ['detector'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { OdometerRead: contract('fleet/odometer/1.0') },
});

const workOrder: Topic<Message<'ServiceDue', t.ServiceDue>> = topic('fleet.work-order.event.v1', {
  key: 'tenant/unit',
  madeBy: ['detector'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { ServiceDue: contract('fleet/work-order/1.0') },
});

const driverActivity: Topic<
  Message<'DriverActive', t.DriverActive> | Message<'ActivityProgressed', t.ActivityProgressed>
> = topic('fleet.driver-activity.event.v1', {
  key: 'tenant/driver',
  madeBy: ['detector'],
  readBy: ['detector'],
  contracts: {
    DriverActive: contract('fleet/driver-activity/1.1'),
    ActivityProgressed: contract('fleet/activity-progress/1.0'),
  },
});

const shift: Topic<Message<'ShiftWorked', t.ShiftWorked>> = topic('fleet.shift.event.v1', {
  key: 'tenant/driver',
  madeBy: ['detector'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { ShiftWorked: contract('fleet/shift/1.1') },
});

const plannedAssignment: Topic<Message<'AssignmentPlanned', t.AssignmentPlanned>> = topic(
  'fleet.planned-assignment.state.v1',
  {
    key: 'tenant/unit',
    compacted: true,
    madeBy: ['console'],
    readBy: ['detector'],
    contracts: { AssignmentPlanned: contract('fleet/planned-assignment/1.0') },
  },
);

const tripStatus: Topic<Message<'TripStatusChanged', t.TripStatusChanged>> = topic(
  'fleet.trip-status.event.v1',
  {
    key: 'tenant/source/trip id',
    madeBy: ['transformer'],
    readBy: ['erp-sink', 'reconciler'],
    contracts: { TripStatusChanged: contract('fleet/trip-status/1.0') },
  },
);

const fuelTransaction: Topic<Message<'FuelTransactionRecorded', t.FuelTransactionRecorded>> = topic(
  'fleet.fuel-transaction.event.v1',
  {
    key: 'tenant/unit',
    madeBy: ['transformer'],
    readBy: [],
    contracts: { FuelTransactionRecorded: contract('fleet/fuel-transaction/1.0') },
  },
);

const providerWorkOrder: Topic<Message<'WorkOrderReported', t.WorkOrderReported>> = topic(
  'fleet.provider-work-order.event.v1',
  {
    key: 'tenant/unit',
    madeBy: ['transformer'],
    readBy: [],
    contracts: { WorkOrderReported: contract('fleet/provider-work-order/1.0') },
  },
);

const providerAlert: Topic<Message<'ProviderAlertRaised', t.ProviderAlertRaised>> = topic(
  'fleet.provider-alert.event.v1',
  {
    key: 'tenant/unit',
    madeBy: ['transformer'],
    readBy: [],
    contracts: { ProviderAlertRaised: contract('fleet/provider-alert/1.0') },
  },
);

const asset: Topic<Message<'AssetDescribed', t.AssetDescribed>> = topic('fleet.asset.state.v1', {
  key: 'tenant/unit',
  compacted: true,
  madeBy: ['transformer'],
  readBy: ['transformer', 'detector', 'console', 'ingest'],
  contracts: { AssetDescribed: contract('fleet/asset/1.1') },
});

const driverBinding: Topic<Message<'DriverBound', t.DriverBound>> = topic(
  'fleet.driver-binding.state.v1',
  {
    key: 'tenant/unit',
    compacted: true,
    madeBy: ['transformer'],
    readBy: ['detector'],
    contracts: { DriverBound: contract('fleet/driver-binding/1.0') },
  },
);

const zone: Topic<Message<'ZoneDescribed', t.ZoneDescribed>> = topic('fleet.zone.state.v1', {
  key: 'tenant/geofence',
  partitioning: 'single',
  compacted: true,
  madeBy: ['transformer'],
  readBy: ['detector'],
  contracts: { ZoneDescribed: contract('fleet/zone/1.0') },
});

const idMapping: Topic<Message<'IdMapped', t.IdMapped>> = topic('identity.mapping.state.v1', {
  key: 'tenant/entity/telematics id',
  partitioning: 'single',
  compacted: true,
  madeBy: ['console'],
  readBy: ['erp-sink', 'reconciler'],
  contracts: { IdMapped: contract('identity/mapping/1.0') },
});

const tenantConfig: Topic<Message<'TenantConfigured', t.TenantConfigured>> = topic(
  'tenant.config.state.v1',
  {
    key: 'tenant',
    partitioning: 'single',
    compacted: true,
    madeBy: ['console'],
    readBy: ['ingest', 'wialon-extractor', 'transformer', 'detector', 'erp-sink', 'reconciler'],
    contracts: { TenantConfigured: contract('tenant/config/1.0') },
  },
);

const task: Topic<Message<'TaskRaised', t.TaskRaised>> = topic('ops.task.event.v1', {
  key: 'tenant',
  madeBy: ['detector', 'erp-sink', 'reconciler'],
  readBy: ['reconciler'],
  contracts: { TaskRaised: contract('ops/task/1.0') },
});

const delivery: Topic<Message<'DeliverySettled', t.DeliverySettled>> = topic(
  'erp.delivery.event.v1',
  {
    key: 'as the event’s',
    madeBy: ['erp-sink'],
    readBy: ['reconciler'],
    contracts: { DeliverySettled: contract('erp/delivery/1.0') },
  },
);

const detectorUnit: Topic<Message<'UnitStateSaved', t.UnitStateSaved>> = topic(
  'detector.unit.state.v1',
  {
    key: 'tenant/unit[#part]',
    compacted: true,
    madeBy: ['detector'],
    readBy: ['detector'],
    contracts: { UnitStateSaved: contract('detector/unit/1.0') },
  },
);

/** Of days that are over: what was published, re-read, proposed. */
const detectorShift: Topic<Message<'UnitStateSaved', t.UnitStateSaved>> = topic(
  'detector.shift.state.v1',
  {
    key: 'tenant/driver',
    compacted: true,
    madeBy: ['detector'],
    readBy: ['detector'],
    contracts: { UnitStateSaved: detectorUnit.contracts.UnitStateSaved },
  },
);

const detectorLate: Topic<Message<'UnitStateSaved', t.UnitStateSaved>> = topic(
  'detector.late.state.v1',
  {
    key: 'tenant/unit#part',
    compacted: true,
    madeBy: ['detector'],
    readBy: ['detector'],
    contracts: { UnitStateSaved: detectorUnit.contracts.UnitStateSaved },
  },
);

/** Quarantine: its senders were told, so it is no gap, and nobody has to read it but people. */
const ingestDeadLetter: DeadLetterTopic = deadLetter('ingest', []);

const transformerDeadLetter: DeadLetterTopic = deadLetter('transformer');

const detectorDeadLetter: DeadLetterTopic = deadLetter('detector');

const sinkDeadLetter: DeadLetterTopic = deadLetter('erp-sink');

const extractorRework: ReworkCommandTopic = reworkCommand('wialon-extractor');

const extractorReworkState: ReworkStateTopic = reworkState('wialon-extractor', 'source');

const transformerRework: ReworkCommandTopic = reworkCommand('transformer');

const transformerReworkState: ReworkStateTopic = reworkState('transformer', 'source');

const detectorRework: ReworkCommandTopic = reworkCommand('detector');

const detectorReworkState: ReworkStateTopic = reworkState('detector', 'task');

/** Every topic of the product. Nothing else spells a topic name. */
export const topics: {
  readonly webhookRaw: typeof webhookRaw;
  readonly wialonPage: typeof wialonPage;
  readonly wialonPageBackfill: typeof wialonPageBackfill;
  readonly wialonCursor: typeof wialonCursor;
  readonly wialonCount: typeof wialonCount;
  readonly wialonSession: typeof wialonSession;
  readonly position: typeof position;
  readonly positionBackfill: typeof positionBackfill;
  readonly positionState: typeof positionState;
  readonly positionMinute: typeof positionMinute;
  readonly hourCount: typeof hourCount;
  readonly completeness: typeof completeness;
  readonly proposal: typeof proposal;
  readonly proposalVerdict: typeof proposalVerdict;
  readonly trip: typeof trip;
  readonly siteVisit: typeof siteVisit;
  readonly geofence: typeof geofence;
  readonly idle: typeof idle;
  readonly fuelLevel: typeof fuelLevel;
  readonly odometer: typeof odometer;
  readonly workOrder: typeof workOrder;
  readonly driverActivity: typeof driverActivity;
  readonly shift: typeof shift;
  readonly plannedAssignment: typeof plannedAssignment;
  readonly tripStatus: typeof tripStatus;
  readonly fuelTransaction: typeof fuelTransaction;
  readonly providerWorkOrder: typeof providerWorkOrder;
  readonly providerAlert: typeof providerAlert;
  readonly asset: typeof asset;
  readonly driverBinding: typeof driverBinding;
  readonly zone: typeof zone;
  readonly idMapping: typeof idMapping;
  readonly tenantConfig: typeof tenantConfig;
  readonly task: typeof task;
  readonly delivery: typeof delivery;
  readonly detectorUnit: typeof detectorUnit;
  readonly detectorShift: typeof detectorShift;
  readonly detectorLate: typeof detectorLate;
  readonly ingestDeadLetter: typeof ingestDeadLetter;
  readonly transformerDeadLetter: typeof transformerDeadLetter;
  readonly detectorDeadLetter: typeof detectorDeadLetter;
  readonly sinkDeadLetter: typeof sinkDeadLetter;
  readonly extractorRework: typeof extractorRework;
  readonly extractorReworkState: typeof extractorReworkState;
  readonly transformerRework: typeof transformerRework;
  readonly transformerReworkState: typeof transformerReworkState;
  readonly detectorRework: typeof detectorRework;
  readonly detectorReworkState: typeof detectorReworkState;
} = {
  webhookRaw,
  wialonPage,
  wialonPageBackfill,
  wialonCursor,
  wialonCount,
  wialonSession,
  position,
  positionBackfill,
  positionState,
  positionMinute,
  hourCount,
  completeness,
  proposal,
  proposalVerdict,
  trip,
  siteVisit,
  geofence,
  idle,
  fuelLevel,
  odometer,
  workOrder,
  driverActivity,
  shift,
  plannedAssignment,
  tripStatus,
  fuelTransaction,
  providerWorkOrder,
  providerAlert,
  asset,
  driverBinding,
  zone,
  idMapping,
  tenantConfig,
  task,
  delivery,
  detectorUnit,
  detectorShift,
  detectorLate,
  ingestDeadLetter,
  transformerDeadLetter,
  detectorDeadLetter,
  sinkDeadLetter,
  extractorRework,
  extractorReworkState,
  transformerRework,
  transformerReworkState,
  detectorRework,
  detectorReworkState,
};

/** The catalogue as a list. */
export const allTopics: readonly Topic[] = Object.values(topics);
