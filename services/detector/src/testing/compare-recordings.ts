import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rowsOf } from './recorded.ts';
import { compareRecording } from './recorded-rules.ts';

/*
 * Compares the detector with the reference files of a folder of recordings:
 * node services/detector/src/testing/compare-recordings.ts <folder> <recording>…
 */
const { positionals } = parseArgs({ allowPositionals: true });
const [folder = '', ...recordings] = positionals;
const events = rowsOf(join(folder, 'geofences', 'site_events_reference'));
for (const recording of recordings) {
  console.log(JSON.stringify({ recording, ...compareRecording(folder, recording, events) }));
}
