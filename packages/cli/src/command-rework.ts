import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from './exit-code.ts';
import { instantOption } from './instant-option.ts';
import { renderRework, type ReworkAnswer } from './render-rework.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { consoleOption, jsonOption } from './settings.ts';
import type { Terminal } from './terminal.ts';

interface Address {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly index: number;
}

interface Offsets {
  readonly topic: string;
  readonly partition: number;
  readonly from_offset: number;
  readonly to_offset: number;
}

interface Options {
  readonly deadLetter?: readonly string[];
  readonly address?: readonly Address[];
  readonly key?: string;
  readonly topic?: string;
  readonly from?: string;
  readonly to?: string;
  readonly offsets?: Offsets;
  readonly preview?: boolean;
  readonly rate?: number;
  readonly by?: string;
  readonly json?: boolean;
  readonly console: string;
}

const help = `
Services: wialon-extractor (a back-fill; times are device times), transformer, detector. Choose by one of: --dead-letter, --address, or a range (--key, --from,
--to, --offsets together as wanted). Times are those of publishing. A preview writes nothing but its
report. Newer results stay: events keep the revision of their source.

Examples:
  waybill rework transformer --dead-letter 5f0c2a9e5f0c2a9e5f0c2a9e5f0c2a9e
  waybill rework transformer --address wialon.page.raw.v1/0/4711
  waybill rework detector --key hudson-waste/wialon:8002 --from 2026-01-31T00:00:00Z --preview
  waybill rework transformer --offsets wialon.page.raw.v1/0/1000/2000 --rate 50
  waybill rework status 0b7e11c40b7e11c40b7e11c40b7e11c4
  waybill rework cancel 0b7e11c40b7e11c40b7e11c40b7e11c4`;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`expected a whole number, found ${text}.`);
}

function collectId(text: string, former: readonly string[] = []): readonly string[] {
  if (/^[0-9a-f]{32}$/.test(text)) return [...former, text];
  throw new InvalidArgumentError('expected an id of 32 hex digits.');
}

function collectAddress(text: string, former: readonly Address[] = []): readonly Address[] {
  const [topic = '', partition = '', offset = '', index, ...rest] = text.split('/');
  if (topic === '' || partition === '' || offset === '' || rest.length > 0) {
    throw new InvalidArgumentError('expected topic/partition/offset or …/offset/index.');
  }
  const element = index === undefined ? -1 : wholeNumber(index);
  return [
    ...former,
    { topic, partition: wholeNumber(partition), offset: wholeNumber(offset), index: element },
  ];
}

function readOffsets(text: string): Offsets {
  const [topic = '', partition = '', from = '', to = '', ...rest] = text.split('/');
  if (topic === '' || rest.length > 0) {
    throw new InvalidArgumentError('expected topic/partition/from/to; to is exclusive.');
  }
  return {
    topic,
    partition: wholeNumber(partition),
    from_offset: wholeNumber(from),
    to_offset: wholeNumber(to),
  };
}

function actor({ by }: { readonly by?: string }, { env }: Terminal): string {
  return by ?? env['USER'] ?? 'waybill';
}

function bodyOf(service: string, options: Options, by: string): object {
  const { deadLetter, address, key, topic, offsets, preview, rate } = options;
  return {
    service,
    dead_letter_ids: deadLetter,
    addresses: address,
    key,
    topic,
    from: instantOption('from', options.from),
    to: instantOption('to', options.to),
    ...offsets,
    preview: preview === true,
    rate,
    by,
  };
}

function show(
  answer: ReworkAnswer,
  options: { readonly json?: boolean },
  terminal: Terminal,
): void {
  if (options.json === true) terminal.out(JSON.stringify(answer));
  else for (const line of renderRework(answer)) terminal.out(line);
}

function statusCommand(run: Run): Command {
  return new Command('status')
    .description('show how far a rework is, and what a preview found')
    .argument('<rework_id>', 'as `waybill rework` printed it')
    .addOption(jsonOption())
    .addOption(consoleOption())
    .addHelpText('after', '\nExample:\n  waybill rework status 0b7e11c40b7e11c40b7e11c40b7e11c4')
    .action((id: string, options: Options) =>
      run(async (terminal) => {
        // Our own end point; its shape is covered by the console's tests.
        const path = `/rework?id=${encodeURIComponent(id)}`;
        const answer = (await ask(options.console, path)) as ReworkAnswer;
        show(answer, options, terminal);
        return answer.status === 'FAILED' ? EXIT.failed : EXIT.ok;
      }),
    );
}

function cancelCommand(run: Run): Command {
  return new Command('cancel')
    .description('end a rework where it stands; what it did stays done')
    .argument('<rework_id>', 'as `waybill rework` printed it')
    .option('--by <name>', 'who decides it, for the audit (default: the user)')
    .addOption(jsonOption())
    .addOption(consoleOption())
    .addHelpText('after', '\nExample:\n  waybill rework cancel 0b7e11c40b7e11c40b7e11c40b7e11c4')
    .action((id: string, options: Options) =>
      run(async (terminal) => {
        const body = { rework_id: id, by: actor(options, terminal) };
        const answer = (await ask(options.console, '/rework/cancel', body)) as ReworkAnswer;
        show(answer, options, terminal);
        return EXIT.ok;
      }),
    );
}

/** `waybill rework`: sends chosen input records of a service through its current code again. */
export function reworkCommand(run: Run): Command {
  return (
    new Command('rework')
      // Else `--console` behind a subcommand would be taken for the option of this command.
      .enablePositionalOptions()
      .description('send chosen input records of a service through its current code again')
      .argument('<service>', 'wialon-extractor, transformer or detector')
      .option('--dead-letter <id>', 'the element of a dead letter; may be repeated', collectId)
      .option('--address <topic/partition/offset[/index]>', 'may be repeated', collectAddress)
      .option('--key <key>', 'records with this key')
      .option('--topic <topic>', 'records of this input only')
      .option('--from <instant>', 'published at or after')
      .option('--to <instant>', 'published before')
      .option('--offsets <topic/partition/from/to>', 'a range of offsets', readOffsets)
      .option('--preview', 'run the code, write nothing but the report')
      .option(
        '--rate <n>',
        'at most so many records per second and task (default: 100; a back-fill 20,000)',
        wholeNumber,
      )
      .option('--by <name>', 'who decides it, for the audit (default: the user)')
      .addOption(jsonOption())
      .addOption(consoleOption())
      .addHelpText('after', help)
      .addCommand(statusCommand(run))
      .addCommand(cancelCommand(run))
      .action((service: string, options: Options) =>
        run(async (terminal) => {
          const body = bodyOf(service, options, actor(options, terminal));
          const answer = (await ask(options.console, '/rework', body)) as { rework_id: string };
          if (options.json === true) terminal.out(JSON.stringify(answer));
          else {
            const what = options.preview === true ? 'preview' : 'rework';
            terminal.out(`${what} ${answer.rework_id} of ${service} is ordered`);
            terminal.out(`follow it: waybill rework status ${answer.rework_id}`);
          }
          return EXIT.ok;
        }),
      )
  );
}
