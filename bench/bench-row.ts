/** One measured number. `bar` is what it should reach (`<= 30`) and `met` whether it does; both are absent where there is no bar. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bar?: string;
  readonly met?: boolean;
}
