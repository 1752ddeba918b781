import { streamContract } from './testing/contract/suite.ts';
import { openBrokerSystems } from './testing/contract/system.ts';

streamContract('the broker', openBrokerSystems, 2);
