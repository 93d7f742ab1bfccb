/** What was looked up last, by name; the oldest makes room. */
export class Recent<Value> {
  private readonly values = new Map<string, Value>();

  constructor(private readonly most: number) {}

  /** Looks up what is not remembered. */
  async get(name: string, lookUp: (name: string) => Promise<Value>): Promise<Value> {
    const known = this.values.get(name);
    if (known !== undefined) return known;
    const value = await lookUp(name);
    this.values.set(name, value);
    const [oldest] = this.values.keys();
    if (this.values.size > this.most && oldest !== undefined) this.values.delete(oldest);
    return value;
  }
}
