import { streamContract } from './testing/contract/suite.ts';
import { openMemorySystems } from './testing/contract/system.ts';

streamContract('the in-memory log', openMemorySystems, 1);
