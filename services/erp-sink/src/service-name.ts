/** Consumer group, and the name in dead letters. */
export const SERVICE = 'erp-sink';
