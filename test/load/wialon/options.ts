/** What every case is told. */
export interface CaseOptions {
  /** Of each measurement. */
  readonly seconds: number;
  /** Measurements of which the median is shown. */
  readonly repeat: number;
  /** Of the cases `live` and `gap`. */
  readonly units: number;
  readonly print: (line: object) => void;
}
