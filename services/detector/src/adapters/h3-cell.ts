import { latLngToCell } from 'h3-js';
import type { CellOf } from '../core/minute.ts';

/** Hexagons of about 5 km²: where traffic is, not where somebody lives. */
const RESOLUTION = 7;

/** H3 cell of resolution 7. */
export const cellOf: CellOf = (latitude, longitude) =>
  latLngToCell(latitude, longitude, RESOLUTION);
