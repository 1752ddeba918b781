import { Option } from 'commander';

/** Addresses as docker compose publishes them. */
export function consoleOption(): Option {
  return new Option('--console <url>', 'address of the console')
    .env('CONSOLE_URL')
    .default('http://127.0.0.1:8090');
}

export function reconcilerOption(): Option {
  return new Option('--reconciler <url>', 'address of the reconciler')
    .env('RECONCILER_URL')
    .default('http://127.0.0.1:8091');
}

export function jsonOption(): Option {
  return new Option('--json', 'print the answer as one JSON object');
}
