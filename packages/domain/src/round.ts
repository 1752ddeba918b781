/**
 * Rounds half away from zero to `decimals` places. 1.005 is stored as 1.00499…: the product is nudged by
 * two units of its last binary place, so that what reads as a half is treated as one. Zero has no sign.
 */
export function round(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  const scaled = Math.abs(value) * factor;
  return (Math.sign(value) * Math.round(scaled * (1 + 2 * Number.EPSILON))) / factor + 0;
}
