export interface Toxic {
  type: 'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data';
  /** `upstream`: what the caller sends; `downstream`, the default: what it is answered. */
  stream?: 'upstream' | 'downstream';
  attributes?: Record<string, number>;
}

/** Links are named `from→to`. Every call throws when the server refuses it or does not answer within five seconds. */
export class ToxiproxyClient {
  constructor(url: string);
  readonly url: string;
  version(): Promise<string>;
  /** Makes these proxies, and leaves those alone that are there already. */
  populate(proxies: { name: string; listen: string; upstream: string }[]): Promise<void>;
  /** Lays a fault into a link. */
  add(link: string, toxic: Toxic): Promise<void>;
  /** Cuts a link: connections end, new ones are refused. */
  cut(link: string): Promise<void>;
  /** Every link is whole again. */
  heal(): Promise<void>;
}
