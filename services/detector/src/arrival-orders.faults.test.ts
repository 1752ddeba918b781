import { test } from 'node:test';
import { checkOrders, days } from './testing/arrival-orders.ts';

const ORDERS = 1000;

for (const day of days()) {
  test(`${ORDERS} random arrival orders of a day of ${day.name} give the same final events`, (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    checkOrders(day, ORDERS, seed);
  });
}
