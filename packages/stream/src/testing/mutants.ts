/** One change of a source file that takes a defence away. */
export interface Mutation {
  /** Below packages/stream/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A defence of the stream core and the test that fails without it. */
export interface Mutant {
  /** What is taken away. */
  readonly without: string;
  readonly mutations: readonly Mutation[];
  /** Test file below packages/stream/src, and the name of the test in it. */
  readonly file: string;
  readonly test: string;
}

const cut = (file: string, from: string, to = ''): Mutation => ({ file, from, to });

const ownership = 'ownership.integration.test.ts';
const contract = 'contract.integration.test.ts';
const positions = 'positions.integration.test.ts';
const guards = 'guards.test.ts';

/** All defences that can be shown; README and FAULTS.md say why the others cannot. */
export const mutants: readonly Mutant[] = [
  {
    without: 'fencing the older owner before anything else',
    mutations: [cut('task-build.ts', '    await transactor.fence();\n')],
    file: ownership,
    test: 'is not overtaken by an older owner that commits while the task is built',
  },
  {
    without: 'reading the committed offsets after fencing',
    mutations: [
      cut('task-build.ts', '    await transactor.fence();\n'),
      cut(
        'task-build.ts',
        '    for (const [topic, next] of start.next)',
        '    await transactor.fence();\n    for (const [topic, next] of start.next)',
      ),
    ],
    file: ownership,
    test: 'goes on from what the older owner committed just before it was locked out',
  },
  {
    without: 'comparing the changelogs with what was committed',
    mutations: [
      cut('extent.ts', '    if (found >= end) continue;', '    if (found >= 0n) continue;'),
    ],
    file: ownership,
    test: 'refuses a changelog that is shorter than what the task wrote into it',
  },
  {
    without: 'replacing a producer that failed',
    mutations: [cut('transaction.ts', '      poisoned = error;\n')],
    file: ownership,
    test: 'refuses all work after a failed transaction',
  },
  {
    without: 'promoting the state after the commit',
    mutations: [cut('task-build.ts', '  state.promote();\n')],
    file: ownership,
    test: 'writes each change of the state to the changelog once',
  },
  {
    without: 'draining before a partition is given up',
    mutations: [
      cut('task-slot.ts', '      await serial.idle();\n'),
      cut('guards.ts', '  settleBeforeMoving(load);\n'),
      cut(
        'transact.ts',
        '      await slots.get(batch.partition)?.process(batch);',
        '      void slots.get(batch.partition)?.process(batch);',
      ),
    ],
    file: ownership,
    test: 'commits what it handled before it gives a partition up or stops',
  },
  {
    without: 'retrying TxnOffsetCommit while the last transaction ends',
    mutations: [
      cut(
        'transaction.ts',
        'if (!isConcurrent(error) || attempt >= OFFSET_ATTEMPTS) throw',
        'throw',
      ),
    ],
    file: ownership,
    test: 'commits offsets alone, one transaction right after the other',
  },
  {
    without: 'reading the cursors again after a commit of unknown outcome',
    mutations: [
      cut(
        'owner-slot.ts',
        '          transactor = await takeOver(cursors);\n',
        '          transactor = await takeOver(new Map());\n',
      ),
    ],
    file: ownership,
    test: 'says what became of a page whose commit was cut off',
  },
  {
    without: 'the watchdog',
    mutations: [
      cut(
        'session.ts',
        '  const watchdog = setInterval(watch,',
        '  const watchdog = setInterval(() => undefined,',
      ),
    ],
    file: ownership,
    test: 'opens a session anew that hears nothing of the cluster any more',
  },
  {
    without: 'refusing other partition counts',
    mutations: [
      cut('transact.ts', 'if (found.some((other) => other !== count))', 'if (found.length < 0)'),
    ],
    file: contract,
    test: 'refuses inputs with different partition counts',
  },
  {
    without: 'refusing a changed partition count',
    mutations: [cut('admin.ts', 'if (changed.length > 0)', 'if (changed.length < 0)')],
    file: contract,
    test: 'refuses a topic that exists with another partition count, and names it',
  },
  {
    without: 'catching what handlers throw',
    mutations: [cut('session.ts', "      finish(toFault(error, 'decide'));", '      throw error;')],
    file: contract,
    test: 'ends with the Fault of a handler that is broken',
  },
  {
    without: 'short times',
    mutations: [cut('client.ts', '  session: 8_000,', '  session: 30_000,')],
    file: 'client.test.ts',
    test: 'lets a killed member be replaced, and its transaction end, within seconds',
  },
  {
    without: 'sorting the aborted transactions',
    mutations: [
      cut('record-batch/visible-batches.ts', '    .sort((a, b) => a.first - b.first);', ';'),
    ],
    file: positions,
    test: 'never hands out records of aborted transactions that overlap',
  },
  {
    without: 'going on behind what retention deleted',
    mutations: [
      cut('task-start.ts', 'stored === undefined || stored < low ? low : stored', 'stored ?? low'),
      cut('places.ts', "return reaches <= low ? 'lost' : 'no';", "return 'no';"),
    ],
    file: contract,
    test: 'goes on at the first record that retention left, and says what is lost',
  },
  {
    without: 'positions from what is asked for',
    mutations: [cut('guards.ts', '  announceFetches(load);')],
    file: positions,
    test: 'reach the end behind aborted transactions and their markers',
  },
  {
    without: 'whole batches instead of messages',
    mutations: [cut('guards.ts', "  'producer/groupMessagesPerPartition': batchPerPartition,\n")],
    file: contract,
    test: 'shows what it confirmed to every reader',
  },
  {
    without: 'the silent timer',
    mutations: [cut('guards.ts', '  silenceIdleTimer(load);')],
    file: guards,
    test: 'do not arm a timer when nothing waits',
  },
  {
    without: 'short retries of fencing',
    mutations: [cut('guards.ts', '  shortenCoordinatorRetries(load);')],
    file: guards,
    test: 'ask again at once while the transaction of an older owner ends',
  },
  {
    without: 'one socket per connection',
    mutations: [cut('guards.ts', '  connectOnce(load);')],
    file: guards,
    test: 'open one socket when several requests find the connection lost',
  },
  {
    without: 'the monotonic clock',
    mutations: [cut('guards.ts', '  ignoreClockJumps(load);')],
    file: guards,
    test: 'measure heartbeats and requests on a clock that nobody sets',
  },
  {
    without: 'closing all sockets with their client',
    mutations: [
      cut('sockets.ts', '      closed = true;\n'),
      cut(
        'sockets.ts',
        'for (const socket of sockets) socket.destroy',
        'for (const socket of [] as Socket[]) socket.destroy',
      ),
    ],
    file: 'sockets.test.ts',
    test: 'ends all sockets of a client and opens no more, even if its goodbye never ends',
  },
  {
    without: 'seldom looks for time-outs',
    mutations: [cut('guards.ts', '  checkTimeoutsSeldom(load);')],
    file: guards,
    test: 'look for time-outs once a second, not ten times',
  },
  {
    without: 'remembered coordinators',
    mutations: [cut('guards.ts', '  rememberCoordinators(load);')],
    file: guards,
    test: 'remember a coordinator, but no failure to find it',
  },
  {
    without: 'fetching ahead',
    mutations: [
      cut('record-batch/read-ahead.ts', 'if (next !== undefined) {', 'if (next === null) {'),
    ],
    file: 'record-batch/read-ahead.test.ts',
    test: 'asks behind an answer at once, and not at all while nothing comes',
  },
  {
    without: 'the check that a batch goes on where the task stands',
    mutations: [cut('places.ts', "return reaches <= low ? 'lost' : 'no';", "return 'whole';")],
    file: 'places.test.ts',
    test: 'is where it was asked for, and what fetches before it have skipped',
  },
  {
    without: 'asking for high watermarks',
    mutations: [
      cut('offsets.ts', "openCluster(openKafka(), 'high')", "openCluster(openKafka(), 'stable')"),
    ],
    file: positions,
    test: 'shows lag while a transaction is open',
  },
  {
    without: 'leaving restarts to the session',
    mutations: [cut('client.ts', '      restartOnFailure: async () => false,\n')],
    file: 'client.test.ts',
    test: 'never to restart a consumer by itself',
  },
  {
    without: 'short waits for a fetch',
    mutations: [cut('client.ts', '    maxWaitTimeInMs: times.fetchWait,\n')],
    file: 'client.test.ts',
    test: 'not to wait longer for a fetch than a stop may take',
  },
  {
    without: 'explicit retries',
    mutations: [
      cut('client.ts', ', maxRetryTime: 1_000, retries: 16 }', ', maxRetryTime: 1_000 }'),
    ],
    file: 'client.test.ts',
    test: 'how often a producer tries again, for about ten seconds',
  },
  {
    without: 'refusing to create topics',
    mutations: [
      cut(
        'client.ts',
        '    allowAutoTopicCreation: false,\n    createPartitioner',
        '    createPartitioner',
      ),
    ],
    file: 'client.test.ts',
    test: 'to create no topics: a mistyped one must fail',
  },
  {
    without: 'heartbeats while a database is away',
    mutations: [cut('project.ts', '          await batch.heartbeat();\n')],
    file: 'membership.faults.test.ts',
    test: 'stays a member while its database is away longer than a session lasts',
  },
  {
    without: 'ignoring what is assigned after the stop',
    mutations: [
      cut('session.ts', '    if (over) return;\n    joined = true;', '    joined = true;'),
      cut('extract.ts', 'stopping ? [] : ', ''),
    ],
    file: ownership,
    test: 'gives nothing to a member that stops while it joins',
  },
];
