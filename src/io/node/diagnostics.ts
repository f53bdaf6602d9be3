import { channel } from 'node:diagnostics_channel';
import type { CallRecord, Diagnostics, StateRecord } from '../diagnostics.ts';

/** The channels `quoll:client:call` and `quoll:client:state` of `node:diagnostics_channel`. */
export class ChannelDiagnostics implements Diagnostics {
  private readonly calls = channel('quoll:client:call');
  private readonly states = channel('quoll:client:state');

  get wantsCalls(): boolean {
    return this.calls.hasSubscribers;
  }

  call(record: CallRecord): void {
    this.calls.publish(record);
  }

  state(record: StateRecord): void {
    this.states.publish(record);
  }
}
