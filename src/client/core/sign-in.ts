import { type Call, CallList } from './call.ts';

/** One side of a SASL exchange. */
export interface SaslExchange {
  /** The first token; it may be empty. */
  start(): Uint8Array;
  /** The next token, or the end: the server has proved itself, or has failed to. */
  step(challenge: Uint8Array): Uint8Array | 'proved' | 'refused';
}

/** A new exchange for each connection. */
export type SaslMechanism = () => SaslExchange;

/** What auth packets a client sends on each connection: the server forgets them with it. */
export class Credentials {
  /** Accepted, or given from the start: sent on each connection. */
  private readonly known = new Set<Call>();
  /** Sent on this connection and not answered yet. */
  private readonly sent: Call[] = [];
  /** Nobody has judged these yet. */
  readonly fresh: CallList = new CallList();

  /** One that its caller waits for. */
  add(call: Call): void {
    this.fresh.push(call);
  }

  /** One that every connection begins with; it counts as known, so its refusal is final. */
  preset(call: Call): void {
    this.known.add(call);
  }

  /** All that a new connection has to be told, in the order in which they were given. */
  forNewConnection(): readonly Call[] {
    this.sent.length = 0;
    const all = [...this.known];
    for (let call = this.fresh.head; call !== null; call = call.next) all.push(call);
    this.sent.push(...all);
    return all;
  }

  sentNow(call: Call): void {
    this.sent.push(call);
  }

  /** Whom the next answer concerns; null: nobody. */
  answered(isAccepted: boolean): { readonly call: Call; readonly wasKnown: boolean } | null {
    const call = this.sent.shift();
    if (call === undefined) return null;
    const wasKnown = this.known.has(call);
    this.fresh.remove(call);
    if (isAccepted) this.known.add(call);
    return { call, wasKnown };
  }
}
