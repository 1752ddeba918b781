import { ask, type Session } from './ask.ts';
import type { AccountContext } from './context.ts';
import { halves, type Window } from './core/plan.ts';
import { loadWindow } from './read-windows.ts';

/**
 * How many messages a unit has in the windows, by the provider's own counts: nothing is read. Undefined: the unit is
 * gone, or its messages may not be read.
 */
export async function countWindows(
  context: AccountContext,
  session: Session,
  id: number,
  windows: readonly Window[],
): Promise<number | undefined> {
  const left = windows.toReversed();
  let messages = 0;
  for (let window = left.pop(); window !== undefined; window = left.pop()) {
    const count = await loadWindow(context, session, id, window);
    if (count === 'skip') return undefined;
    if (count !== 'narrow') messages += count;
    else left.push(...(halves(window, context.memory.providerNowS) ?? []).toReversed());
    if (typeof count === 'number' && count > 0) {
      await ask(context, session, 'messages/unload', {});
    }
  }
  return messages;
}
