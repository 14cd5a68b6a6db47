/** Where the rows of a very long list are: all are of one height, but for those that were found to have another. */

export class Heights {
  private readonly others = new Map<number, number>();
  /** The rows with another height, in order, and how much higher all up to each of them are. */
  private rows: number[] = [];
  private sums: number[] = [];

  constructor(private readonly usual: number) {}

  /** A row has this height; returns by how much that is more than was known. */
  measured(row: number, height: number): number {
    const before = this.others.get(row) ?? this.usual;
    if (height === before) return 0;
    if (height === this.usual) this.others.delete(row);
    else this.others.set(row, height);
    this.rows = [...this.others.keys()].toSorted((one, other) => one - other);
    let sum = 0;
    this.sums = this.rows.map((one) => (sum += (this.others.get(one) ?? this.usual) - this.usual));
    return height - before;
  }

  /** The pixels above a row. */
  start(row: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.rows[middle] as number) < row) low = middle + 1;
      else high = middle;
    }
    return row * this.usual + (low === 0 ? 0 : (this.sums[low - 1] as number));
  }

  /** The row at so many pixels, of *count* rows. */
  rowAt(pixels: number, count: number): number {
    let low = 0;
    let high = Math.max(0, count - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.start(middle) <= pixels) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
